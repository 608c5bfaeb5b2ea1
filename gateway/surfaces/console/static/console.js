// What every page does: dialogs, keys, and parts that follow the gateway's events.
import { openDialogs } from "./dialogs.js";
import { followEvents, lookAgain } from "./live.js";
import { takeKeys } from "./keys.js";

openDialogs();
takeKeys();
followEvents();
lookAgain();
