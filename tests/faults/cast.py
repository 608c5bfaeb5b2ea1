"""The people of a play, each with a token and a generator of random numbers of their own."""

from random import Random

from tests.faults.clients import Client
from tests.faults.cluster import Cluster
from tests.faults.follower import Follower
from tests.faults.history import History


class Cast:
    """Everybody who acts in a play on this cluster."""

    def __init__(self, cluster: Cluster, history: History, seed: int, operators: int) -> None:
        def client(name: str, *roles: str, kind: str = "human") -> Client:
            moments = Random(f"{seed} {name}")  # noqa: S311 - moments to be repeated, not secrets
            token = cluster.token(name, *roles, kind=kind)
            made = Client(name, token, cluster.urls, history, moments)
            self._clients.append(made)
            return made

        self._clients: list[Client] = []
        self.requesters = [
            client("agent-7", "user", "planner", kind="agent"),
            client("hana", "user", "planner"),
        ]
        self.admin = client("olga", "admin")
        self.approvers = [client(name, "user", "approver") for name in ("fiona", "gary")]
        self.operators = [client(f"otto-{one}", "user", "operator") for one in range(operators)]
        self.reader = client("rita", "user", "operator")
        self.follower = Follower(client("frank", "admin"))

    def close(self) -> None:
        """Let go of everybody's connections and threads."""
        for client in self._clients:
            client.close()
