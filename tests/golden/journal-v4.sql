BEGIN TRANSACTION;
CREATE TABLE anchor_receipt (
	number INTEGER NOT NULL, 
	kind TEXT NOT NULL, 
	target TEXT NOT NULL, 
	at TEXT NOT NULL, 
	body TEXT NOT NULL, 
	cosignature TEXT, 
	PRIMARY KEY (number, kind, target)
)
 WITHOUT ROWID

;
CREATE TABLE anchor_target (
	kind TEXT NOT NULL, 
	target TEXT NOT NULL, 
	number INTEGER NOT NULL, 
	updated_at TEXT NOT NULL, 
	attempts INTEGER NOT NULL, 
	next_at TEXT, 
	last_error TEXT, 
	PRIMARY KEY (kind, target)
)
 WITHOUT ROWID

;
CREATE TABLE approval (
	id TEXT NOT NULL, 
	execution_id TEXT NOT NULL, 
	workspace TEXT NOT NULL, 
	step_id TEXT NOT NULL, 
	contract TEXT NOT NULL, 
	status TEXT NOT NULL, 
	digest TEXT NOT NULL, 
	arguments TEXT NOT NULL, 
	decision TEXT NOT NULL, 
	approver_role TEXT NOT NULL, 
	quorum INTEGER NOT NULL, 
	risk TEXT NOT NULL, 
	reason TEXT NOT NULL, 
	requested_by TEXT NOT NULL, 
	requested_at TEXT NOT NULL, 
	expires_at TEXT NOT NULL, 
	votes TEXT NOT NULL, 
	decided_at TEXT, 
	note TEXT, 
	escalate_at TEXT, 
	escalate_to TEXT, 
	escalated_at TEXT, 
	overridden TEXT, 
	excluded TEXT NOT NULL, 
	requester_roles TEXT NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "approval" VALUES('appr_01a205c69003707eb2a5078e164aad2d','exec_01a205c68ff873819ad0c23e9f7bd85a','acme','step_d4be2e3517b276cb380b1e1f5956bdb8','support.refund.issue@1.0.0','pending','106ecbadbb1204c0feb6cb67f8a79ba3f2437e6cb2ef15b94fca575771c30b15','{"amount":630.0,"currency":"EUR","orderId":"o-1004"}','{"approverRole":"approver","decisionId":"dec_d3e4cb0c11c122f7ab0ab1484b9de91d","escalateAfter":null,"escalateTo":"","expiresIn":86400.0,"policyRevision":"sha256:0444988e6e2ff3787492eac43e3d7f6905e392cb3074f4612a63c5a54419ced2","quorum":1,"reasons":["support.refund.issue called by an agent needs the approval of a person with the role approver, because of input.amount."],"rules":[{"at":"verdict.csv:17","rule":"p, 210, type:agent, *, support.refund.issue?, *, amount > 100, assist, approver, 1, 24h, -"}],"verdict":"assist"}','approver',1,'high','support.refund.issue called by an agent needs the approval of a person with the role approver, because of input.amount.','agent-7','2026-11-23T00:20:28.801777Z','2026-11-24T00:20:28.801777Z','[]',NULL,NULL,NULL,NULL,NULL,NULL,'["agent-7","olga"]','["anonymous","planner","user"]');
CREATE TABLE call (
	workspace TEXT NOT NULL, 
	subject TEXT NOT NULL, 
	contract TEXT NOT NULL, 
	idempotency_key TEXT NOT NULL, 
	input_digest TEXT NOT NULL, 
	output TEXT, 
	execution_id TEXT, 
	at TEXT NOT NULL, 
	PRIMARY KEY (workspace, subject, contract, idempotency_key)
);
INSERT INTO "call" VALUES('acme','alice','support.reply','again','ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff','{"sent":true}',NULL,'2026-11-28T19:40:16.021280Z');
CREATE TABLE chain_head (
	chain TEXT NOT NULL, 
	seq INTEGER NOT NULL, 
	hash TEXT NOT NULL, 
	PRIMARY KEY (chain)
)
 WITHOUT ROWID

;
INSERT INTO "chain_head" VALUES('execution/exec_01a205c68f8b7501bb060ecec0714737',7,'dff9bd8369a2b95fbaed8bbe499120e4c56f8534c044a1919a4678847cf40d26');
INSERT INTO "chain_head" VALUES('execution/exec_01a205c68ff873819ad0c23e9f7bd85a',6,'51220d37beae7d1a08f3cc4c41604cfef93a1103ce61d67d931fc8c8fb2b1f72');
INSERT INTO "chain_head" VALUES('workspace//embedded',1,'e9be87d99993fcf16d6346d7e5241dcce34f9c2603462c7cf1ca89e5fe056c94');
INSERT INTO "chain_head" VALUES('workspace/acme/embedded',14,'4f0065b7af2e11bfd881ca2d69ef1cf6ea60adc5111b442a75a0e0736ea1bf91');
CREATE TABLE checkpoint (
	number INTEGER NOT NULL, 
	ends_at INTEGER NOT NULL, 
	line TEXT NOT NULL, 
	PRIMARY KEY (number)
);
INSERT INTO "checkpoint" VALUES(1,798,'{"at":"2026-11-28T19:40:16.011462Z","entries":27,"format":1,"heads":[["execution/exec_01a205c68f8b7501bb060ecec0714737",7,"dff9bd8369a2b95fbaed8bbe499120e4c56f8534c044a1919a4678847cf40d26"],["execution/exec_01a205c68ff873819ad0c23e9f7bd85a",6,"51220d37beae7d1a08f3cc4c41604cfef93a1103ce61d67d931fc8c8fb2b1f72"],["workspace//embedded",1,"e9be87d99993fcf16d6346d7e5241dcce34f9c2603462c7cf1ca89e5fe056c94"],["workspace/acme/embedded",13,"69228214676f881832b4eab6a4579b9675271cc18d355952bccd48187cf0f073"]],"keyId":"k3","number":1,"order":"c51d2efb4033402577a102ff08605e497395930064cded99cf6d43c01b36b38d","position":27,"previous":"0000000000000000000000000000000000000000000000000000000000000000","signature":"eE+UJ3Z22HZKbr8vnGSPA4ET8fm6rfTZ5y9uS8SpRqcNc/06jMByUm6mADuRLoVcoPuXZHXC6A/E/JsZ5O8RCQ=="}');
INSERT INTO "checkpoint" VALUES(2,1261,'{"at":"2026-11-28T19:40:16.026217Z","entries":28,"format":1,"heads":[["workspace/acme/embedded",14,"4f0065b7af2e11bfd881ca2d69ef1cf6ea60adc5111b442a75a0e0736ea1bf91"]],"keyId":"k3","number":2,"order":"bda33786f06f23ffedb131572192b94db1e132c06afc6db98affaedba7e67a58","position":28,"previous":"d7e0eb878156e9442455eaa9e35fd452594e4a15f20fd36789302630b5692137","signature":"O2IANvtbFNlaG4NpgxmXH7x94a2eK3qVZ5y+Z1QxcFfC7RoZg4SdrN/KCSbVNodsNePpxp9QwLpMLyUTHQ65DQ=="}');
CREATE TABLE claim (
	run_id TEXT NOT NULL, 
	execution_id TEXT NOT NULL, 
	owner TEXT, 
	epoch INTEGER NOT NULL, 
	lease_until TEXT, 
	wake_seq INTEGER NOT NULL, 
	wake_at TEXT, 
	PRIMARY KEY (run_id)
)
 WITHOUT ROWID

;
INSERT INTO "claim" VALUES('run_01a205c68fb57352ae398747cd6720c8','exec_01a205c68f8b7501bb060ecec0714737',NULL,3,NULL,3,NULL);
INSERT INTO "claim" VALUES('run_01a205c690007502bb2737007521f215','exec_01a205c68ff873819ad0c23e9f7bd85a',NULL,3,NULL,3,'2026-11-28T23:40:38.845241Z');
CREATE TABLE entry (
	position INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	chain TEXT NOT NULL, 
	seq INTEGER NOT NULL, 
	format INTEGER NOT NULL, 
	at TEXT NOT NULL, 
	type TEXT NOT NULL, 
	workspace TEXT NOT NULL, 
	execution_id TEXT, 
	actor TEXT NOT NULL, 
	body TEXT NOT NULL, 
	previous TEXT NOT NULL, 
	hash TEXT NOT NULL, 
	CONSTRAINT entry_chain_seq UNIQUE (chain, seq)
);
INSERT INTO "entry" VALUES(1,'workspace//embedded',1,1,'2026-11-23T00:20:28.549898Z','policy.activated','',NULL,'','{"revision":"sha256:0444988e6e2ff3787492eac43e3d7f6905e392cb3074f4612a63c5a54419ced2","source":"files"}','0000000000000000000000000000000000000000000000000000000000000000','e9be87d99993fcf16d6346d7e5241dcce34f9c2603462c7cf1ca89e5fe056c94');
INSERT INTO "entry" VALUES(2,'execution/exec_01a205c68f8b7501bb060ecec0714737',1,1,'2026-11-23T00:20:28.682986Z','intent.received','acme','exec_01a205c68f8b7501bb060ecec0714737','agent-7','{"channel":null,"compensates":null,"direct":false,"intentId":"intent_01a205c68f8b7502af7f71b8869b13d0","metadata":null,"submitter":{"capabilities":null,"roles":["planner","user"],"session":"tok_01a205c68f8177479ae5416bcd7cf414","subject":"agent-7","type":"agent","workspace":"acme"},"text":{"$sealed":[1,"controlPlane.intent.submit@1.0.0","input.text","f0982c160bb0bb88","WJpUpyKDUteLdCsssBLoK6A-PfBmHzN1yTAky4IdalN2Vkk5H-5PTdeRP1N9iOM1lXo"]},"traceId":null}','0000000000000000000000000000000000000000000000000000000000000000','8550bf3895fb15de0cdfe42e3654158700093398a7b767417ce9794363bc9e45');
INSERT INTO "entry" VALUES(3,'workspace/acme/embedded',1,1,'2026-11-23T00:20:28.682986Z','call.completed','acme',NULL,'agent-7','{"contract":"controlPlane.intent.submit@1.0.0","decision":{"decisionId":"dec_a2d96b9d9537fb454ca04d6ede956f89","effect":"allow","missing":[],"policyRevision":"sha256:0444988e6e2ff3787492eac43e3d7f6905e392cb3074f4612a63c5a54419ced2","reason":"Policy allows you to call controlPlane.intent.submit.","rule":{"at":"access.csv:10","rule":"p, user, *, auth:user, call, allow"}},"events":[{"event":"controlPlane.intent.received@1.0.0","payload":{"executionId":"exec_01a205c68f8b7501bb060ecec0714737","intentId":"intent_01a205c68f8b7502af7f71b8869b13d0","receivedAt":"2026-11-23T00:20:28.682986Z"}}],"executionId":null,"idempotencyKey":null,"inputDigest":"7c12c379b38f3ab582dcdc34d04b9ada4594c89041ac83c81ce15d822130a618","key":"controlPlane.intent.submit@1.0.0","output":{"executionId":"exec_01a205c68f8b7501bb060ecec0714737","intentId":"intent_01a205c68f8b7502af7f71b8869b13d0","receivedAt":"2026-11-23T00:20:28.682986Z","status":"RECEIVED"},"principalType":"agent","session":"tok_01a205c68f8177479ae5416bcd7cf414","subject":"agent-7","traceId":null}','0000000000000000000000000000000000000000000000000000000000000000','bccc589c369171ed9b5bfff90c43eaea33490365ea840bf68d1a32fda761417d');
INSERT INTO "entry" VALUES(4,'execution/exec_01a205c68f8b7501bb060ecec0714737',2,1,'2026-11-23T00:20:28.692417Z','plan.compiled','acme','exec_01a205c68f8b7501bb060ecec0714737','agent-7','{"compensate":false,"compiler":"agent-7","edges":[],"hash":"62d4c965141e9907e9a1c466d1754c7cc2b0ac6c2722667a1157b741907e506b","planId":"plan_01a205c68f9475e39e13b1d5f9a7de8f","plannerModel":null,"steps":[{"contract":"support.refund.issue@1.0.0","contractDigest":"bffa2ceb48f588e39fcd34635069399a5e990ee91e27f1ef3cfe639eedf78508","dependsOn":[],"id":"step_dc5c123ecc3d7a82d858c093e151a2a8","input":{"amount":50,"currency":"EUR","orderId":"o-1004"},"key":"refund","pii":["customerEmail"]}]}','8550bf3895fb15de0cdfe42e3654158700093398a7b767417ce9794363bc9e45','4ebf3c525166f3800e6a8ef9d4e7cfb968b5966dede6dc3b1dc741a4fda4b8c9');
INSERT INTO "entry" VALUES(5,'workspace/acme/embedded',2,1,'2026-11-23T00:20:28.692417Z','call.completed','acme',NULL,'agent-7','{"contract":"controlPlane.plan.compile@1.0.0","decision":{"decisionId":"dec_c07dceaa0c28e96592da8c40c02dfdc1","effect":"allow","missing":[],"policyRevision":"sha256:0444988e6e2ff3787492eac43e3d7f6905e392cb3074f4612a63c5a54419ced2","reason":"Policy allows you to call controlPlane.plan.compile.","rule":{"at":"access.csv:14","rule":"p, planner, *, controlPlane.plan.compile, call, allow"}},"events":[{"event":"controlPlane.plan.compiled@1.0.0","payload":{"compiledAt":"2026-11-23T00:20:28.692417Z","executionId":"exec_01a205c68f8b7501bb060ecec0714737","planId":"plan_01a205c68f9475e39e13b1d5f9a7de8f","stepCount":1}}],"executionId":null,"idempotencyKey":null,"inputDigest":"c5189bc1e1f10de4bdad87458e51d382ecb2e917549f8fe191f2cdb6a086df53","key":"controlPlane.plan.compile@1.0.0","output":{"compiledAt":"2026-11-23T00:20:28.692417Z","deterministicHash":"62d4c965141e9907e9a1c466d1754c7cc2b0ac6c2722667a1157b741907e506b","planId":"plan_01a205c68f9475e39e13b1d5f9a7de8f","stepCount":1},"principalType":"agent","session":"tok_01a205c68f8177479ae5416bcd7cf414","subject":"agent-7","traceId":null}','bccc589c369171ed9b5bfff90c43eaea33490365ea840bf68d1a32fda761417d','3e726a3e4cd5f4cbe2a88ceff9409d7ce3811d9f02dcd1b44b8d95a4ddff8d08');
INSERT INTO "entry" VALUES(6,'execution/exec_01a205c68f8b7501bb060ecec0714737',3,1,'2026-11-23T00:20:28.698853Z','plan.verified','acme','exec_01a205c68f8b7501bb060ecec0714737','olga','{"blockedReasons":[],"decisions":{"step_dc5c123ecc3d7a82d858c093e151a2a8":{"access":{"decisionId":"dec_11ac6500e294f642d56edd8331cf3fc9","effect":"allow","missing":[],"policyRevision":"sha256:0444988e6e2ff3787492eac43e3d7f6905e392cb3074f4612a63c5a54419ced2","reason":"Policy allows you to call support.refund.issue.","rule":{"at":"access.csv:10","rule":"p, user, *, auth:user, call, allow"}},"approverRole":"approver","decisionId":"dec_13653231848314c3e27245acf7440283","escalateAfter":null,"escalateTo":"","expiresIn":86400.0,"policyRevision":"sha256:0444988e6e2ff3787492eac43e3d7f6905e392cb3074f4612a63c5a54419ced2","quorum":1,"reasons":["support.refund.issue runs by itself for an agent, because of input.amount."],"rules":[{"at":"verdict.csv:13","rule":"p, 200, type:agent, *, support.refund.issue?, *, amount <= 100, autonomous, -, -, -, -"}],"verdict":"autonomous"}},"executionStatus":"verified","planId":"plan_01a205c68f9475e39e13b1d5f9a7de8f","revision":"sha256:0444988e6e2ff3787492eac43e3d7f6905e392cb3074f4612a63c5a54419ced2","risk":"high","verdict":"autonomous","verifiedBy":"olga"}','4ebf3c525166f3800e6a8ef9d4e7cfb968b5966dede6dc3b1dc741a4fda4b8c9','0607740d181fba5ae24b737e3f1ed2b90a6d0eb37f9281e7a2481068b0475e8d');
INSERT INTO "entry" VALUES(7,'workspace/acme/embedded',3,1,'2026-11-23T00:20:28.698853Z','call.completed','acme',NULL,'olga','{"contract":"controlPlane.plan.verify@1.0.0","decision":{"decisionId":"dec_12a8b0f0b328c555154e870e0a2b6aa8","effect":"allow","missing":[],"policyRevision":"sha256:0444988e6e2ff3787492eac43e3d7f6905e392cb3074f4612a63c5a54419ced2","reason":"Policy allows you to call controlPlane.plan.verify.","rule":{"at":"access.csv:11","rule":"p, admin, *, auth:admin, call, allow"}},"events":[],"executionId":null,"idempotencyKey":null,"inputDigest":"3296d58d5a0d8ad941390daee22609bdae371475a3f8659f5261eab671b4838a","key":"controlPlane.plan.verify@1.0.0","output":{"blockedReasons":[],"requiresApproval":false,"verdict":"AUTONOMOUS","verifiedAt":"2026-11-23T00:20:28.698853Z"},"principalType":"human","session":"tok_01a205c68f8270acaeee5249a0e06428","subject":"olga","traceId":null}','3e726a3e4cd5f4cbe2a88ceff9409d7ce3811d9f02dcd1b44b8d95a4ddff8d08','6588dfe447740f2471e8f76a4d5e4d24529d1d1c9e75915149934b6a92929dcc');
INSERT INTO "entry" VALUES(8,'execution/exec_01a205c68f8b7501bb060ecec0714737',4,1,'2026-11-23T00:20:28.725135Z','run.started','acme','exec_01a205c68f8b7501bb060ecec0714737','olga','{"executionStatus":"running","mode":"autonomous","planId":"plan_01a205c68f9475e39e13b1d5f9a7de8f","revision":"sha256:0444988e6e2ff3787492eac43e3d7f6905e392cb3074f4612a63c5a54419ced2","runId":"run_01a205c68fb57352ae398747cd6720c8","starter":"olga"}','0607740d181fba5ae24b737e3f1ed2b90a6d0eb37f9281e7a2481068b0475e8d','90dcca681819d40bd4e834ef123676cf4db9f3146febb39fc2d5ba05691b229d');
INSERT INTO "entry" VALUES(9,'workspace/acme/embedded',4,1,'2026-11-23T00:20:28.725135Z','call.completed','acme',NULL,'olga','{"contract":"controlPlane.execution.start@1.0.0","decision":{"decisionId":"dec_d654c8e2556fa181ab8d09b2493dfbb3","effect":"allow","missing":[],"policyRevision":"sha256:0444988e6e2ff3787492eac43e3d7f6905e392cb3074f4612a63c5a54419ced2","reason":"Policy allows you to call controlPlane.execution.start.","rule":{"at":"access.csv:11","rule":"p, admin, *, auth:admin, call, allow"}},"events":[],"executionId":null,"idempotencyKey":null,"inputDigest":"3296d58d5a0d8ad941390daee22609bdae371475a3f8659f5261eab671b4838a","key":"controlPlane.execution.start@1.0.0","output":{"runId":"run_01a205c68fb57352ae398747cd6720c8","startedAt":"2026-11-23T00:20:28.725135Z","status":"RUNNING"},"principalType":"human","session":"tok_01a205c68f8270acaeee5249a0e06428","subject":"olga","traceId":null}','6588dfe447740f2471e8f76a4d5e4d24529d1d1c9e75915149934b6a92929dcc','061a62e8f2751b02d6c35affd41392a18261049fc41ab585ae16d8fd3268443e');
INSERT INTO "entry" VALUES(10,'execution/exec_01a205c68f8b7501bb060ecec0714737',5,1,'2026-11-23T00:20:28.727812Z','step.dispatched','acme','exec_01a205c68f8b7501bb060ecec0714737','','{"access":{"decisionId":"dec_d98d3c5feacda08aad32fc6090c52220","effect":"allow","missing":[],"policyRevision":"sha256:0444988e6e2ff3787492eac43e3d7f6905e392cb3074f4612a63c5a54419ced2","reason":"Policy allows you to call support.refund.issue.","rule":{"at":"access.csv:10","rule":"p, user, *, auth:user, call, allow"}},"attempt":1,"contract":"support.refund.issue@1.0.0","decision":{"approverRole":"approver","decisionId":"dec_9bd82a01c9ba07baddc20bb3a6b0957b","escalateAfter":null,"escalateTo":"","expiresIn":86400.0,"policyRevision":"sha256:0444988e6e2ff3787492eac43e3d7f6905e392cb3074f4612a63c5a54419ced2","quorum":1,"reasons":["support.refund.issue runs by itself for an agent, because of input.amount."],"rules":[{"at":"verdict.csv:13","rule":"p, 200, type:agent, *, support.refund.issue?, *, amount <= 100, autonomous, -, -, -, -"}],"verdict":"autonomous"},"epoch":1,"idempotencyKey":"key_ffdadf4d148e7f5af685e8354a1fc45e","input":{"amount":50.0,"currency":"EUR","orderId":"o-1004"},"key":"refund","planId":"plan_01a205c68f9475e39e13b1d5f9a7de8f","stepId":"step_dc5c123ecc3d7a82d858c093e151a2a8"}','90dcca681819d40bd4e834ef123676cf4db9f3146febb39fc2d5ba05691b229d','f376f92c4a0ce64680d5f5d233ff940ecfdd8e2245e7e442b927e48b73b7984f');
INSERT INTO "entry" VALUES(11,'workspace/acme/embedded',5,1,'2026-11-23T00:20:28.767809Z','query.answered','acme',NULL,'olga','{"contract":"controlPlane.execution.get@1.0.0","decision":{"decisionId":"dec_f4af952cf9c0ea8b142f6665e0cc9d02","effect":"allow","missing":[],"policyRevision":"sha256:0444988e6e2ff3787492eac43e3d7f6905e392cb3074f4612a63c5a54419ced2","reason":"Policy allows you to call controlPlane.execution.get.","rule":{"at":"access.csv:22","rule":"p, approver, *, controlPlane.execution.get, call, allow"}},"inputDigest":"2f3e6fdccead7cd5348f93aca7f24501006950c408ca6fb1dff50a9c4870a60a","principalType":"human","session":"tok_01a205c68f8270acaeee5249a0e06428","subject":"olga","traceId":null,"verdict":null}','061a62e8f2751b02d6c35affd41392a18261049fc41ab585ae16d8fd3268443e','623fa11fd5bddb18f30117f8aaf5efef111e3ca8bca643cdc1be4e1d65f0a321');
INSERT INTO "entry" VALUES(12,'execution/exec_01a205c68f8b7501bb060ecec0714737',6,1,'2026-11-23T00:20:28.770908Z','step.completed','acme','exec_01a205c68f8b7501bb060ecec0714737','','{"attempt":1,"epoch":1,"events":[{"event":"support.refund.issued@1.0.0","payload":{"amount":50.0,"currency":"EUR","orderId":"o-1004","refundId":"r-1"}}],"output":{"refundId":"r-1","status":"PAID"},"planId":"plan_01a205c68f9475e39e13b1d5f9a7de8f","stepId":"step_dc5c123ecc3d7a82d858c093e151a2a8"}','f376f92c4a0ce64680d5f5d233ff940ecfdd8e2245e7e442b927e48b73b7984f','2e8e805d20903c1fa9e9976cc76d0204bad5777e7e804cabe4de6b38614040ba');
INSERT INTO "entry" VALUES(13,'execution/exec_01a205c68f8b7501bb060ecec0714737',7,1,'2026-11-23T00:20:28.770908Z','run.ended','acme','exec_01a205c68f8b7501bb060ecec0714737','','{"executionStatus":"completed","planId":"plan_01a205c68f9475e39e13b1d5f9a7de8f","runId":"run_01a205c68fb57352ae398747cd6720c8","steps":{}}','2e8e805d20903c1fa9e9976cc76d0204bad5777e7e804cabe4de6b38614040ba','dff9bd8369a2b95fbaed8bbe499120e4c56f8534c044a1919a4678847cf40d26');
INSERT INTO "entry" VALUES(14,'workspace/acme/embedded',6,1,'2026-11-23T00:20:28.790305Z','query.answered','acme',NULL,'olga','{"contract":"controlPlane.execution.get@1.0.0","decision":{"decisionId":"dec_ba0029c1393a1eb0c772bbb66ceb12e4","effect":"allow","missing":[],"policyRevision":"sha256:0444988e6e2ff3787492eac43e3d7f6905e392cb3074f4612a63c5a54419ced2","reason":"Policy allows you to call controlPlane.execution.get.","rule":{"at":"access.csv:22","rule":"p, approver, *, controlPlane.execution.get, call, allow"}},"inputDigest":"2f3e6fdccead7cd5348f93aca7f24501006950c408ca6fb1dff50a9c4870a60a","principalType":"human","session":"tok_01a205c68f8270acaeee5249a0e06428","subject":"olga","traceId":null,"verdict":null}','623fa11fd5bddb18f30117f8aaf5efef111e3ca8bca643cdc1be4e1d65f0a321','fab67bc484f5c528d60c1d834ddf8ef3641f1f0bceeef091105693cef87a5f01');
INSERT INTO "entry" VALUES(15,'execution/exec_01a205c68ff873819ad0c23e9f7bd85a',1,1,'2026-11-23T00:20:28.792471Z','intent.received','acme','exec_01a205c68ff873819ad0c23e9f7bd85a','agent-7','{"channel":null,"compensates":null,"direct":false,"intentId":"intent_01a205c68ff873828f183f21b77c714a","metadata":null,"submitter":{"capabilities":null,"roles":["planner","user"],"session":"tok_01a205c68f8177479ae5416bcd7cf414","subject":"agent-7","type":"agent","workspace":"acme"},"text":{"$sealed":[1,"controlPlane.intent.submit@1.0.0","input.text","f0982c160bb0bb88","9Au6Xrty94dzU6sYjGrQbBdfgRGFdXi56-1ttgsPCGA71LugOuuXa6SmVRV8e5vJWq4"]},"traceId":null}','0000000000000000000000000000000000000000000000000000000000000000','45e5649971f5b39577091f499960543acd3002f4a7bfef136fa057b73291c0bd');
INSERT INTO "entry" VALUES(16,'workspace/acme/embedded',7,1,'2026-11-23T00:20:28.792471Z','call.completed','acme',NULL,'agent-7','{"contract":"controlPlane.intent.submit@1.0.0","decision":{"decisionId":"dec_58986898d3d11ea053db16cc4f1cdaf7","effect":"allow","missing":[],"policyRevision":"sha256:0444988e6e2ff3787492eac43e3d7f6905e392cb3074f4612a63c5a54419ced2","reason":"Policy allows you to call controlPlane.intent.submit.","rule":{"at":"access.csv:10","rule":"p, user, *, auth:user, call, allow"}},"events":[{"event":"controlPlane.intent.received@1.0.0","payload":{"executionId":"exec_01a205c68ff873819ad0c23e9f7bd85a","intentId":"intent_01a205c68ff873828f183f21b77c714a","receivedAt":"2026-11-23T00:20:28.792471Z"}}],"executionId":null,"idempotencyKey":null,"inputDigest":"7c12c379b38f3ab582dcdc34d04b9ada4594c89041ac83c81ce15d822130a618","key":"controlPlane.intent.submit@1.0.0","output":{"executionId":"exec_01a205c68ff873819ad0c23e9f7bd85a","intentId":"intent_01a205c68ff873828f183f21b77c714a","receivedAt":"2026-11-23T00:20:28.792471Z","status":"RECEIVED"},"principalType":"agent","session":"tok_01a205c68f8177479ae5416bcd7cf414","subject":"agent-7","traceId":null}','fab67bc484f5c528d60c1d834ddf8ef3641f1f0bceeef091105693cef87a5f01','2656638d85e1c0fb8c33fa0b54ffd5dbcb56cb6f107c470f05c163db1976371b');
INSERT INTO "entry" VALUES(17,'execution/exec_01a205c68ff873819ad0c23e9f7bd85a',2,1,'2026-11-23T00:20:28.795416Z','plan.compiled','acme','exec_01a205c68ff873819ad0c23e9f7bd85a','agent-7','{"compensate":false,"compiler":"agent-7","edges":[],"hash":"87bcb5b38ae41f5feb106531fd0109f3442d65e89bf3d882f17f5e6c3db5672d","planId":"plan_01a205c68ffb736dbb5340d855bcea4c","plannerModel":null,"steps":[{"contract":"support.refund.issue@1.0.0","contractDigest":"bffa2ceb48f588e39fcd34635069399a5e990ee91e27f1ef3cfe639eedf78508","dependsOn":[],"id":"step_d4be2e3517b276cb380b1e1f5956bdb8","input":{"amount":630,"currency":"EUR","orderId":"o-1004"},"key":"refund","pii":["customerEmail"]}]}','45e5649971f5b39577091f499960543acd3002f4a7bfef136fa057b73291c0bd','daa503cc0cdebf7f47581901365ab5035bfb04e5facd4910a15ca91b2fc6de42');
INSERT INTO "entry" VALUES(18,'workspace/acme/embedded',8,1,'2026-11-23T00:20:28.795416Z','call.completed','acme',NULL,'agent-7','{"contract":"controlPlane.plan.compile@1.0.0","decision":{"decisionId":"dec_79a90bfd131cac489d646d9633822b6a","effect":"allow","missing":[],"policyRevision":"sha256:0444988e6e2ff3787492eac43e3d7f6905e392cb3074f4612a63c5a54419ced2","reason":"Policy allows you to call controlPlane.plan.compile.","rule":{"at":"access.csv:14","rule":"p, planner, *, controlPlane.plan.compile, call, allow"}},"events":[{"event":"controlPlane.plan.compiled@1.0.0","payload":{"compiledAt":"2026-11-23T00:20:28.795416Z","executionId":"exec_01a205c68ff873819ad0c23e9f7bd85a","planId":"plan_01a205c68ffb736dbb5340d855bcea4c","stepCount":1}}],"executionId":null,"idempotencyKey":null,"inputDigest":"6283f5dd18428645a7edd4034b9a8476d1fa346ab446fae2c784a4037896cb84","key":"controlPlane.plan.compile@1.0.0","output":{"compiledAt":"2026-11-23T00:20:28.795416Z","deterministicHash":"87bcb5b38ae41f5feb106531fd0109f3442d65e89bf3d882f17f5e6c3db5672d","planId":"plan_01a205c68ffb736dbb5340d855bcea4c","stepCount":1},"principalType":"agent","session":"tok_01a205c68f8177479ae5416bcd7cf414","subject":"agent-7","traceId":null}','2656638d85e1c0fb8c33fa0b54ffd5dbcb56cb6f107c470f05c163db1976371b','94e05fed10318d8e6d77759d5d56b188d6fd751640bf625f27208300d4f801b5');
INSERT INTO "entry" VALUES(19,'execution/exec_01a205c68ff873819ad0c23e9f7bd85a',3,1,'2026-11-23T00:20:28.797975Z','plan.verified','acme','exec_01a205c68ff873819ad0c23e9f7bd85a','olga','{"blockedReasons":[],"decisions":{"step_d4be2e3517b276cb380b1e1f5956bdb8":{"access":{"decisionId":"dec_2d74bf003825ccc41c8c213febf6a7f6","effect":"allow","missing":[],"policyRevision":"sha256:0444988e6e2ff3787492eac43e3d7f6905e392cb3074f4612a63c5a54419ced2","reason":"Policy allows you to call support.refund.issue.","rule":{"at":"access.csv:10","rule":"p, user, *, auth:user, call, allow"}},"approverRole":"approver","decisionId":"dec_a068897f99507569f859ced724a7b29e","escalateAfter":null,"escalateTo":"","expiresIn":86400.0,"policyRevision":"sha256:0444988e6e2ff3787492eac43e3d7f6905e392cb3074f4612a63c5a54419ced2","quorum":1,"reasons":["support.refund.issue called by an agent needs the approval of a person with the role approver, because of input.amount."],"rules":[{"at":"verdict.csv:17","rule":"p, 210, type:agent, *, support.refund.issue?, *, amount > 100, assist, approver, 1, 24h, -"}],"verdict":"assist"}},"executionStatus":"verified","planId":"plan_01a205c68ffb736dbb5340d855bcea4c","revision":"sha256:0444988e6e2ff3787492eac43e3d7f6905e392cb3074f4612a63c5a54419ced2","risk":"high","verdict":"assist","verifiedBy":"olga"}','daa503cc0cdebf7f47581901365ab5035bfb04e5facd4910a15ca91b2fc6de42','e8303bbc18218807a6151a890f4d9fde989a759741fc5d17417ea1b946e1219b');
INSERT INTO "entry" VALUES(20,'workspace/acme/embedded',9,1,'2026-11-23T00:20:28.797975Z','call.completed','acme',NULL,'olga','{"contract":"controlPlane.plan.verify@1.0.0","decision":{"decisionId":"dec_82a1c6ff0f246f88c6d0ae7334447c7e","effect":"allow","missing":[],"policyRevision":"sha256:0444988e6e2ff3787492eac43e3d7f6905e392cb3074f4612a63c5a54419ced2","reason":"Policy allows you to call controlPlane.plan.verify.","rule":{"at":"access.csv:11","rule":"p, admin, *, auth:admin, call, allow"}},"events":[],"executionId":null,"idempotencyKey":null,"inputDigest":"903d5ceb618798a3daf036c10c758ed5deeec3ce88f4ecfd2e3203dd2a7ef57c","key":"controlPlane.plan.verify@1.0.0","output":{"blockedReasons":[],"requiresApproval":true,"verdict":"ASSIST","verifiedAt":"2026-11-23T00:20:28.797975Z"},"principalType":"human","session":"tok_01a205c68f8270acaeee5249a0e06428","subject":"olga","traceId":null}','94e05fed10318d8e6d77759d5d56b188d6fd751640bf625f27208300d4f801b5','21f80c1865cdc08cdc9af53f76674824381597a7c71efdcdf2956128f6016af5');
INSERT INTO "entry" VALUES(21,'execution/exec_01a205c68ff873819ad0c23e9f7bd85a',4,1,'2026-11-23T00:20:28.800805Z','run.started','acme','exec_01a205c68ff873819ad0c23e9f7bd85a','olga','{"executionStatus":"running","mode":"autonomous","planId":"plan_01a205c68ffb736dbb5340d855bcea4c","revision":"sha256:0444988e6e2ff3787492eac43e3d7f6905e392cb3074f4612a63c5a54419ced2","runId":"run_01a205c690007502bb2737007521f215","starter":"olga"}','e8303bbc18218807a6151a890f4d9fde989a759741fc5d17417ea1b946e1219b','327783ec3c71729e81fbcafb0d3d9be323e54f454bd350c76e2bbdbe47ce8c48');
INSERT INTO "entry" VALUES(22,'workspace/acme/embedded',10,1,'2026-11-23T00:20:28.800805Z','call.completed','acme',NULL,'olga','{"contract":"controlPlane.execution.start@1.0.0","decision":{"decisionId":"dec_4887438eadda511af4a583502f042625","effect":"allow","missing":[],"policyRevision":"sha256:0444988e6e2ff3787492eac43e3d7f6905e392cb3074f4612a63c5a54419ced2","reason":"Policy allows you to call controlPlane.execution.start.","rule":{"at":"access.csv:11","rule":"p, admin, *, auth:admin, call, allow"}},"events":[],"executionId":null,"idempotencyKey":null,"inputDigest":"903d5ceb618798a3daf036c10c758ed5deeec3ce88f4ecfd2e3203dd2a7ef57c","key":"controlPlane.execution.start@1.0.0","output":{"runId":"run_01a205c690007502bb2737007521f215","startedAt":"2026-11-23T00:20:28.800805Z","status":"RUNNING"},"principalType":"human","session":"tok_01a205c68f8270acaeee5249a0e06428","subject":"olga","traceId":null}','21f80c1865cdc08cdc9af53f76674824381597a7c71efdcdf2956128f6016af5','781d9a9f5c206549a9a4b480ae2b6585dd984aca7686e94cb5c12215d5e6479d');
INSERT INTO "entry" VALUES(23,'execution/exec_01a205c68ff873819ad0c23e9f7bd85a',5,1,'2026-11-23T00:20:28.801777Z','approval.requested','acme','exec_01a205c68ff873819ad0c23e9f7bd85a','','{"approvalId":"appr_01a205c69003707eb2a5078e164aad2d","approverRole":"approver","arguments":{"amount":630.0,"currency":"EUR","orderId":"o-1004"},"contract":"support.refund.issue@1.0.0","decision":{"approverRole":"approver","decisionId":"dec_d3e4cb0c11c122f7ab0ab1484b9de91d","escalateAfter":null,"escalateTo":"","expiresIn":86400.0,"policyRevision":"sha256:0444988e6e2ff3787492eac43e3d7f6905e392cb3074f4612a63c5a54419ced2","quorum":1,"reasons":["support.refund.issue called by an agent needs the approval of a person with the role approver, because of input.amount."],"rules":[{"at":"verdict.csv:17","rule":"p, 210, type:agent, *, support.refund.issue?, *, amount > 100, assist, approver, 1, 24h, -"}],"verdict":"assist"},"digest":"106ecbadbb1204c0feb6cb67f8a79ba3f2437e6cb2ef15b94fca575771c30b15","excluded":["agent-7","olga"],"expiresAt":"2026-11-24T00:20:28.801777Z","planId":"plan_01a205c68ffb736dbb5340d855bcea4c","quorum":1,"reason":"support.refund.issue called by an agent needs the approval of a person with the role approver, because of input.amount.","requestedBy":"agent-7","requesterRoles":["anonymous","planner","user"],"risk":"high","stepId":"step_d4be2e3517b276cb380b1e1f5956bdb8"}','327783ec3c71729e81fbcafb0d3d9be323e54f454bd350c76e2bbdbe47ce8c48','593b51e1690018099fdfefed5c83c6bef67ec5005cbce6d92fb287c44c67fe92');
INSERT INTO "entry" VALUES(24,'execution/exec_01a205c68ff873819ad0c23e9f7bd85a',6,1,'2026-11-23T00:20:28.801777Z','run.waiting','acme','exec_01a205c68ff873819ad0c23e9f7bd85a','','{"executionStatus":"waiting_approval","wakeAt":"2026-11-24T00:20:28.801777Z"}','593b51e1690018099fdfefed5c83c6bef67ec5005cbce6d92fb287c44c67fe92','51220d37beae7d1a08f3cc4c41604cfef93a1103ce61d67d931fc8c8fb2b1f72');
INSERT INTO "entry" VALUES(25,'workspace/acme/embedded',11,1,'2026-11-23T00:20:28.806538Z','query.answered','acme',NULL,'olga','{"contract":"controlPlane.execution.get@1.0.0","decision":{"decisionId":"dec_cab51db1cd8cba4f7dba7e8822da52f8","effect":"allow","missing":[],"policyRevision":"sha256:0444988e6e2ff3787492eac43e3d7f6905e392cb3074f4612a63c5a54419ced2","reason":"Policy allows you to call controlPlane.execution.get.","rule":{"at":"access.csv:22","rule":"p, approver, *, controlPlane.execution.get, call, allow"}},"inputDigest":"34c05a048c20134591cecd2e80dfc30e333be4e4ccd99dd9afcf8ba0e023a79a","principalType":"human","session":"tok_01a205c68f8270acaeee5249a0e06428","subject":"olga","traceId":null,"verdict":null}','781d9a9f5c206549a9a4b480ae2b6585dd984aca7686e94cb5c12215d5e6479d','99d50545251527a8a041eb7dd1c1c86be65d48252f910ddfef26f6a27671d6d4');
INSERT INTO "entry" VALUES(26,'workspace/acme/embedded',12,1,'2026-11-23T00:20:28.827608Z','query.answered','acme',NULL,'olga','{"contract":"controlPlane.execution.get@1.0.0","decision":{"decisionId":"dec_ee93813b3608de42ccc35e7a5f2015d9","effect":"allow","missing":[],"policyRevision":"sha256:0444988e6e2ff3787492eac43e3d7f6905e392cb3074f4612a63c5a54419ced2","reason":"Policy allows you to call controlPlane.execution.get.","rule":{"at":"access.csv:22","rule":"p, approver, *, controlPlane.execution.get, call, allow"}},"inputDigest":"34c05a048c20134591cecd2e80dfc30e333be4e4ccd99dd9afcf8ba0e023a79a","principalType":"human","session":"tok_01a205c68f8270acaeee5249a0e06428","subject":"olga","traceId":null,"verdict":null}','99d50545251527a8a041eb7dd1c1c86be65d48252f910ddfef26f6a27671d6d4','a6ab26877a72d818fa3f0c0868fcdf1b8bf74f916daa8a3f30a5220391aa4bbd');
INSERT INTO "entry" VALUES(27,'workspace/acme/embedded',13,1,'2026-11-28T19:40:16.006508Z','call.completed','acme',NULL,'alice','{"contract":"support.reply@1.0.0","decision":{},"executionId":null,"idempotencyKey":null,"inputDigest":"ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff","key":"support.reply","output":{"sent":true},"subject":"alice"}','a6ab26877a72d818fa3f0c0868fcdf1b8bf74f916daa8a3f30a5220391aa4bbd','69228214676f881832b4eab6a4579b9675271cc18d355952bccd48187cf0f073');
INSERT INTO "entry" VALUES(28,'workspace/acme/embedded',14,1,'2026-11-28T19:40:16.021280Z','call.completed','acme',NULL,'alice','{"contract":"support.reply@1.0.0","decision":{},"executionId":null,"idempotencyKey":"again","inputDigest":"ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff","key":"support.reply","output":{"sent":true},"subject":"alice"}','69228214676f881832b4eab6a4579b9675271cc18d355952bccd48187cf0f073','4f0065b7af2e11bfd881ca2d69ef1cf6ea60adc5111b442a75a0e0736ea1bf91');
CREATE TABLE evidence (
	id TEXT NOT NULL, 
	execution_id TEXT NOT NULL, 
	seq INTEGER NOT NULL, 
	kind TEXT NOT NULL, 
	"key" TEXT NOT NULL, 
	attached_by TEXT NOT NULL, 
	attached_at TEXT NOT NULL, 
	digest TEXT, 
	uri TEXT, 
	state TEXT, 
	valid_until TEXT, 
	blocking INTEGER NOT NULL, 
	resolves TEXT, 
	settled_by TEXT, 
	PRIMARY KEY (id)
);
CREATE TABLE execution (
	id TEXT NOT NULL, 
	workspace TEXT NOT NULL, 
	status TEXT NOT NULL, 
	submitter TEXT NOT NULL, 
	subject TEXT NOT NULL, 
	intent_id TEXT NOT NULL, 
	created_at TEXT NOT NULL, 
	updated_at TEXT NOT NULL, 
	text TEXT NOT NULL, 
	direct INTEGER NOT NULL, 
	channel TEXT, 
	trace_id TEXT, 
	metadata TEXT, 
	plan_id TEXT, 
	run_id TEXT, 
	mode TEXT, 
	starter TEXT, 
	started_at TEXT, 
	ended_at TEXT, 
	risk TEXT, 
	verdict TEXT, 
	problem TEXT, 
	stopping INTEGER NOT NULL, 
	retries INTEGER NOT NULL, 
	retried_at TEXT, 
	lane TEXT, 
	lane_transitions INTEGER NOT NULL, 
	gate TEXT, 
	bundles INTEGER NOT NULL, 
	compensates TEXT, 
	compensation_id TEXT, 
	PRIMARY KEY (id)
);
INSERT INTO "execution" VALUES('exec_01a205c68f8b7501bb060ecec0714737','acme','completed','{"capabilities":null,"roles":["planner","user"],"session":"tok_01a205c68f8177479ae5416bcd7cf414","subject":"agent-7","type":"agent","workspace":"acme"}','agent-7','intent_01a205c68f8b7502af7f71b8869b13d0','2026-11-23T00:20:28.682986Z','2026-11-23T00:20:28.770908Z','{"$sealed":[1,"controlPlane.intent.submit@1.0.0","input.text","f0982c160bb0bb88","WJpUpyKDUteLdCsssBLoK6A-PfBmHzN1yTAky4IdalN2Vkk5H-5PTdeRP1N9iOM1lXo"]}',0,NULL,NULL,NULL,'plan_01a205c68f9475e39e13b1d5f9a7de8f','run_01a205c68fb57352ae398747cd6720c8','autonomous','olga','2026-11-23T00:20:28.725135Z','2026-11-23T00:20:28.770908Z','high','autonomous',NULL,0,0,NULL,NULL,0,NULL,0,NULL,NULL);
INSERT INTO "execution" VALUES('exec_01a205c68ff873819ad0c23e9f7bd85a','acme','waiting_approval','{"capabilities":null,"roles":["planner","user"],"session":"tok_01a205c68f8177479ae5416bcd7cf414","subject":"agent-7","type":"agent","workspace":"acme"}','agent-7','intent_01a205c68ff873828f183f21b77c714a','2026-11-23T00:20:28.792471Z','2026-11-23T00:20:28.801777Z','{"$sealed":[1,"controlPlane.intent.submit@1.0.0","input.text","f0982c160bb0bb88","9Au6Xrty94dzU6sYjGrQbBdfgRGFdXi56-1ttgsPCGA71LugOuuXa6SmVRV8e5vJWq4"]}',0,NULL,NULL,NULL,'plan_01a205c68ffb736dbb5340d855bcea4c','run_01a205c690007502bb2737007521f215','autonomous','olga','2026-11-23T00:20:28.800805Z',NULL,'high','assist',NULL,0,0,NULL,NULL,0,NULL,0,NULL,NULL);
CREATE TABLE grant_use (
	execution_id TEXT NOT NULL, 
	step_id TEXT NOT NULL, 
	attempt INTEGER NOT NULL, 
	grant_id TEXT NOT NULL, 
	at TEXT NOT NULL, 
	PRIMARY KEY (execution_id, step_id, attempt)
)
 WITHOUT ROWID

;
CREATE TABLE lane_approval (
	execution_id TEXT NOT NULL, 
	seq INTEGER NOT NULL, 
	lane TEXT NOT NULL, 
	role TEXT NOT NULL, 
	person TEXT NOT NULL, 
	at TEXT NOT NULL, 
	note TEXT, 
	PRIMARY KEY (execution_id, seq)
)
 WITHOUT ROWID

;
CREATE TABLE meta (
	schema_version INTEGER NOT NULL, 
	PRIMARY KEY (schema_version)
);
INSERT INTO "meta" VALUES(4);
CREATE TABLE "plan" (
	id TEXT NOT NULL, 
	execution_id TEXT NOT NULL, 
	hash TEXT NOT NULL, 
	steps TEXT NOT NULL, 
	edges TEXT NOT NULL, 
	compiler TEXT NOT NULL, 
	planner_model TEXT, 
	compensate INTEGER NOT NULL, 
	compiled_at TEXT NOT NULL, 
	verdict TEXT, 
	decisions TEXT, 
	revision TEXT, 
	verified_at TEXT, 
	PRIMARY KEY (id)
);
INSERT INTO "plan" VALUES('plan_01a205c68f9475e39e13b1d5f9a7de8f','exec_01a205c68f8b7501bb060ecec0714737','62d4c965141e9907e9a1c466d1754c7cc2b0ac6c2722667a1157b741907e506b','[{"contract":"support.refund.issue@1.0.0","contractDigest":"bffa2ceb48f588e39fcd34635069399a5e990ee91e27f1ef3cfe639eedf78508","dependsOn":[],"id":"step_dc5c123ecc3d7a82d858c093e151a2a8","input":{"amount":50,"currency":"EUR","orderId":"o-1004"},"key":"refund","pii":["customerEmail"]}]','[]','agent-7',NULL,0,'2026-11-23T00:20:28.692417Z','autonomous','{"step_dc5c123ecc3d7a82d858c093e151a2a8":{"access":{"decisionId":"dec_11ac6500e294f642d56edd8331cf3fc9","effect":"allow","missing":[],"policyRevision":"sha256:0444988e6e2ff3787492eac43e3d7f6905e392cb3074f4612a63c5a54419ced2","reason":"Policy allows you to call support.refund.issue.","rule":{"at":"access.csv:10","rule":"p, user, *, auth:user, call, allow"}},"approverRole":"approver","decisionId":"dec_13653231848314c3e27245acf7440283","escalateAfter":null,"escalateTo":"","expiresIn":86400.0,"policyRevision":"sha256:0444988e6e2ff3787492eac43e3d7f6905e392cb3074f4612a63c5a54419ced2","quorum":1,"reasons":["support.refund.issue runs by itself for an agent, because of input.amount."],"rules":[{"at":"verdict.csv:13","rule":"p, 200, type:agent, *, support.refund.issue?, *, amount <= 100, autonomous, -, -, -, -"}],"verdict":"autonomous"}}','sha256:0444988e6e2ff3787492eac43e3d7f6905e392cb3074f4612a63c5a54419ced2','2026-11-23T00:20:28.698853Z');
INSERT INTO "plan" VALUES('plan_01a205c68ffb736dbb5340d855bcea4c','exec_01a205c68ff873819ad0c23e9f7bd85a','87bcb5b38ae41f5feb106531fd0109f3442d65e89bf3d882f17f5e6c3db5672d','[{"contract":"support.refund.issue@1.0.0","contractDigest":"bffa2ceb48f588e39fcd34635069399a5e990ee91e27f1ef3cfe639eedf78508","dependsOn":[],"id":"step_d4be2e3517b276cb380b1e1f5956bdb8","input":{"amount":630,"currency":"EUR","orderId":"o-1004"},"key":"refund","pii":["customerEmail"]}]','[]','agent-7',NULL,0,'2026-11-23T00:20:28.795416Z','assist','{"step_d4be2e3517b276cb380b1e1f5956bdb8":{"access":{"decisionId":"dec_2d74bf003825ccc41c8c213febf6a7f6","effect":"allow","missing":[],"policyRevision":"sha256:0444988e6e2ff3787492eac43e3d7f6905e392cb3074f4612a63c5a54419ced2","reason":"Policy allows you to call support.refund.issue.","rule":{"at":"access.csv:10","rule":"p, user, *, auth:user, call, allow"}},"approverRole":"approver","decisionId":"dec_a068897f99507569f859ced724a7b29e","escalateAfter":null,"escalateTo":"","expiresIn":86400.0,"policyRevision":"sha256:0444988e6e2ff3787492eac43e3d7f6905e392cb3074f4612a63c5a54419ced2","quorum":1,"reasons":["support.refund.issue called by an agent needs the approval of a person with the role approver, because of input.amount."],"rules":[{"at":"verdict.csv:17","rule":"p, 210, type:agent, *, support.refund.issue?, *, amount > 100, assist, approver, 1, 24h, -"}],"verdict":"assist"}}','sha256:0444988e6e2ff3787492eac43e3d7f6905e392cb3074f4612a63c5a54419ced2','2026-11-23T00:20:28.797975Z');
CREATE TABLE policy_activation (
	number INTEGER NOT NULL, 
	revision TEXT NOT NULL, 
	previous TEXT, 
	source TEXT NOT NULL, 
	changeset_id TEXT, 
	"by" TEXT NOT NULL, 
	at TEXT NOT NULL, 
	PRIMARY KEY (number)
);
INSERT INTO "policy_activation" VALUES(1,'sha256:0444988e6e2ff3787492eac43e3d7f6905e392cb3074f4612a63c5a54419ced2',NULL,'files',NULL,'','2026-11-23T00:20:28.549898Z');
CREATE TABLE policy_changeset (
	id TEXT NOT NULL, 
	workspace TEXT NOT NULL, 
	status TEXT NOT NULL, 
	title TEXT NOT NULL, 
	reason TEXT NOT NULL, 
	base TEXT NOT NULL, 
	revision TEXT NOT NULL, 
	edits TEXT NOT NULL, 
	restores TEXT, 
	authors TEXT NOT NULL, 
	findings TEXT NOT NULL, 
	cases TEXT NOT NULL, 
	impact TEXT, 
	shadowing INTEGER NOT NULL, 
	created_at TEXT NOT NULL, 
	updated_at TEXT NOT NULL, 
	decided_by TEXT, 
	decided_at TEXT, 
	note TEXT, 
	approver TEXT, 
	PRIMARY KEY (id)
);
CREATE TABLE policy_head (
	id INTEGER NOT NULL, 
	revision TEXT NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "policy_head" VALUES(1,'sha256:0444988e6e2ff3787492eac43e3d7f6905e392cb3074f4612a63c5a54419ced2');
CREATE TABLE policy_revision (
	revision TEXT NOT NULL, 
	parent TEXT, 
	edits TEXT NOT NULL, 
	recorded_at TEXT NOT NULL, 
	PRIMARY KEY (revision)
);
CREATE TABLE privacy_condemned (
	key_id TEXT NOT NULL, 
	workspace TEXT NOT NULL, 
	cause TEXT NOT NULL, 
	PRIMARY KEY (key_id)
)
 WITHOUT ROWID

;
CREATE TABLE privacy_consent (
	id TEXT NOT NULL, 
	workspace TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	target TEXT NOT NULL, 
	purpose TEXT NOT NULL, 
	asked TEXT NOT NULL, 
	recorded_by TEXT NOT NULL, 
	recorded_at TEXT NOT NULL, 
	expires_at TEXT, 
	withdrawn_by TEXT, 
	withdrawn_at TEXT, 
	told TEXT, 
	PRIMARY KEY (id)
);
CREATE TABLE privacy_erasure (
	id TEXT NOT NULL, 
	workspace TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	target TEXT NOT NULL, 
	status TEXT NOT NULL, 
	ground TEXT NOT NULL, 
	asked TEXT NOT NULL, 
	requested_by TEXT NOT NULL, 
	requested_at TEXT NOT NULL, 
	decided_by TEXT, 
	decided_at TEXT, 
	told TEXT, 
	held_by TEXT NOT NULL, 
	condemned_at TEXT, 
	erased_at TEXT, 
	receipt TEXT, 
	PRIMARY KEY (id)
);
CREATE TABLE privacy_hold (
	id TEXT NOT NULL, 
	workspace TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	target TEXT NOT NULL, 
	matter TEXT NOT NULL, 
	asked TEXT NOT NULL, 
	placed_by TEXT NOT NULL, 
	placed_at TEXT NOT NULL, 
	expires_at TEXT, 
	lifted_by TEXT, 
	lifted_at TEXT, 
	told TEXT, 
	PRIMARY KEY (id)
);
CREATE TABLE skill (
	workspace TEXT NOT NULL, 
	"key" TEXT NOT NULL, 
	version TEXT NOT NULL, 
	id TEXT NOT NULL, 
	status TEXT NOT NULL, 
	publisher TEXT NOT NULL, 
	provenance TEXT NOT NULL, 
	manifest_digest TEXT NOT NULL, 
	artifact_digest TEXT NOT NULL, 
	manifest TEXT NOT NULL, 
	contracts TEXT NOT NULL, 
	trust_digest TEXT NOT NULL, 
	installed_at TEXT NOT NULL, 
	installed_by TEXT NOT NULL, 
	disabled_at TEXT, 
	disabled_by TEXT, 
	reason TEXT, 
	PRIMARY KEY (workspace, "key", version)
)
 WITHOUT ROWID

;
CREATE TABLE standing_grant (
	id TEXT NOT NULL, 
	workspace TEXT NOT NULL, 
	contract TEXT NOT NULL, 
	contract_digest TEXT NOT NULL, 
	requester TEXT, 
	requester_type TEXT, 
	arguments TEXT NOT NULL, 
	max_uses INTEGER NOT NULL, 
	issuer TEXT NOT NULL, 
	reason TEXT NOT NULL, 
	issued_at TEXT NOT NULL, 
	expires_at TEXT NOT NULL, 
	uses INTEGER NOT NULL, 
	revoked_at TEXT, 
	revoked_by TEXT, 
	revoke_reason TEXT, 
	PRIMARY KEY (id)
);
CREATE TABLE step (
	plan_id TEXT NOT NULL, 
	id TEXT NOT NULL, 
	execution_id TEXT NOT NULL, 
	place INTEGER NOT NULL, 
	"key" TEXT NOT NULL, 
	contract TEXT NOT NULL, 
	status TEXT NOT NULL, 
	updated_at TEXT NOT NULL, 
	attempt INTEGER NOT NULL, 
	base INTEGER NOT NULL, 
	key_base INTEGER NOT NULL, 
	input TEXT, 
	output TEXT, 
	problem TEXT, 
	decision TEXT, 
	retry_at TEXT, 
	started_at TEXT, 
	ended_at TEXT, 
	PRIMARY KEY (plan_id, id)
);
INSERT INTO "step" VALUES('plan_01a205c68f9475e39e13b1d5f9a7de8f','step_dc5c123ecc3d7a82d858c093e151a2a8','exec_01a205c68f8b7501bb060ecec0714737',0,'refund','support.refund.issue@1.0.0','completed','2026-11-23T00:20:28.770908Z',1,0,0,'{"amount":50.0,"currency":"EUR","orderId":"o-1004"}','{"refundId":"r-1","status":"PAID"}',NULL,'{"approverRole":"approver","decisionId":"dec_9bd82a01c9ba07baddc20bb3a6b0957b","escalateAfter":null,"escalateTo":"","expiresIn":86400.0,"policyRevision":"sha256:0444988e6e2ff3787492eac43e3d7f6905e392cb3074f4612a63c5a54419ced2","quorum":1,"reasons":["support.refund.issue runs by itself for an agent, because of input.amount."],"rules":[{"at":"verdict.csv:13","rule":"p, 200, type:agent, *, support.refund.issue?, *, amount <= 100, autonomous, -, -, -, -"}],"verdict":"autonomous"}',NULL,'2026-11-23T00:20:28.727812Z','2026-11-23T00:20:28.770908Z');
INSERT INTO "step" VALUES('plan_01a205c68ffb736dbb5340d855bcea4c','step_d4be2e3517b276cb380b1e1f5956bdb8','exec_01a205c68ff873819ad0c23e9f7bd85a',0,'refund','support.refund.issue@1.0.0','waiting_approval','2026-11-23T00:20:28.801777Z',0,0,0,NULL,NULL,NULL,'{"approverRole":"approver","decisionId":"dec_d3e4cb0c11c122f7ab0ab1484b9de91d","escalateAfter":null,"escalateTo":"","expiresIn":86400.0,"policyRevision":"sha256:0444988e6e2ff3787492eac43e3d7f6905e392cb3074f4612a63c5a54419ced2","quorum":1,"reasons":["support.refund.issue called by an agent needs the approval of a person with the role approver, because of input.amount."],"rules":[{"at":"verdict.csv:17","rule":"p, 210, type:agent, *, support.refund.issue?, *, amount > 100, assist, approver, 1, 24h, -"}],"verdict":"assist"}',NULL,NULL,NULL);
CREATE TABLE tile (
	level INTEGER NOT NULL, 
	place INTEGER NOT NULL, 
	hashes BLOB NOT NULL, 
	PRIMARY KEY (level, place)
);
INSERT INTO "tile" VALUES(0,0,X'C73428C4E317BF733AD7B5E5C3C52BB309ABAD25D8962A56666D4F42B298476B88447C5ED571B1D25C56E051F07DF2ADA3A1E495DB0D677F34FD51724A45EF74D1B3A10320967088E2D2F53B5E00EDCCBEFEA850455F2CCF5CB985E29F53530754E7F5414DA0EA1CAEA2BFA91B73E39B4DA5F934E908AF6B807A134538686B399B374D5CECE8C72E260FF640E8CFDF8846CAB4CD70F543672747332D7D3D4D90370B35F4E3926029C6206CBEB9193EB20C696A318095BD258C6B7ECC4B7F972476885E51CE5E17274F04BF8B5FA6832B87FD1423B36D6D34292D3264F3205DA32A12114AAE9B3D71C1C7B618B1C914352911F7F4407D297B3C6089770FB571842254F3B287E10A983266D9D7DF6C45E5F70C60BBAF10774D0C705F7E2B15A931F7877EEB92F8AB81DA28802474FBB6F04293A252C6B9CAC12479C02FBAD747136A2F308F6E39B312E6DA81DE993A4DD9F9E70D247C577CEF00FDEFF85A7058B87FB6A0D2B15D4063A53AEA3A4E6DAF114C5AA1787631B0FA6AF8691F24DE43F0D96100AA483BD039D8ACE9B946252D9E387DB29782FFC29CC679504F243714B561A2D4AAD6FF99DBF1BFDE0F648F7A89989DF8E1AF256BE7BF1A70739FE64B205B4DA0BF609DBCE424B3C0EDC7A429E342280FAED4647700A108D156D5AB7E0178586DA82F2FD82C3785EB4EC711D46BB35E5CA553A2D07A7F25F75528335D12C2C85785D5FACABF2729D38394A5E487B576F4543D6B63D18D4FC4BE70142DBA129B0EAEA4901366B70624F9208126146565EE04C46DE83C183501BAF1EC5B80A1928D172A0EBB0568A882616728DE1AE0E2FCC974CA15D7C733468101DCF86FE84EF591F5F1051EFCEE0C3956AFF374D2394709EC4DE09AE97D6C000BA50E50A3A52D94389463CC08D42375275C4DDD4182B68104E41F08CA85A1502AC91D7AC809F86D6A7A528903B09010C9849CF3A75C9EF0C9DE9A016A316B9CD530B9DEAA9BF47FE4F54568A4EEB45BD10FC4F7B4952DBC636CF2BBEAB32349E7B19D17CCFE0B259E0B53A1C6A1B04DFFE4A8F6EB26B451FA4001074D1F776831A008D5D710DEA7ED045E4F0FEF7747E97150675F902B3ECA84AC3DCE652389F72665D358DD6510780596FCE0AA022ADB067D4823D37AEB8A223D5025ABFD70A84A7633DE43A1D3935508FDEA29B31E400D9A23DBDCFFF55C3E0E793BD9EE236ACCDFC1D9CC13B900081BDB73CEAB6F669B6ECE43C9CA621D5172CE03C71392FB76EE6B');
CREATE TABLE webhook_cursor (
	workspace TEXT NOT NULL, 
	endpoint TEXT NOT NULL, 
	position INTEGER NOT NULL, 
	PRIMARY KEY (workspace, endpoint)
)
 WITHOUT ROWID

;
CREATE TABLE webhook_delivery (
	id TEXT NOT NULL, 
	workspace TEXT NOT NULL, 
	endpoint TEXT NOT NULL, 
	event_id TEXT NOT NULL, 
	position INTEGER NOT NULL, 
	idx INTEGER NOT NULL, 
	type TEXT NOT NULL, 
	execution_id TEXT, 
	created_at TEXT NOT NULL, 
	updated_at TEXT NOT NULL, 
	status TEXT NOT NULL, 
	attempts INTEGER NOT NULL, 
	next_at TEXT, 
	last_status INTEGER, 
	last_error TEXT, 
	PRIMARY KEY (id)
);
CREATE INDEX claim_held ON claim (owner) WHERE owner IS NOT NULL;
CREATE INDEX claim_wake ON claim (wake_at) WHERE owner IS NULL;
CREATE INDEX webhook_delivery_by_status ON webhook_delivery (workspace, status, position DESC, idx DESC, id);
CREATE INDEX webhook_delivery_due ON webhook_delivery (workspace, endpoint, status, next_at);
CREATE INDEX webhook_delivery_newest ON webhook_delivery (workspace, position DESC, idx DESC, id);
CREATE INDEX webhook_delivery_old ON webhook_delivery (status, updated_at);
CREATE INDEX execution_by_status ON execution (workspace, status, created_at DESC, id DESC);
CREATE INDEX execution_by_subject ON execution (workspace, subject, created_at DESC, id DESC);
CREATE INDEX execution_in_lane ON execution (workspace, created_at DESC, id DESC) WHERE lane IS NOT NULL AND run_id IS NOT NULL;
CREATE INDEX execution_newest ON execution (workspace, created_at DESC, id DESC);
CREATE UNIQUE INDEX execution_run ON execution (run_id);
CREATE INDEX approval_by_status ON approval (workspace, status, requested_at, id);
CREATE INDEX approval_of_execution ON approval (workspace, execution_id, requested_at, id);
CREATE INDEX approval_of_step ON approval (execution_id, step_id, requested_at);
CREATE INDEX approval_oldest ON approval (workspace, requested_at, id);
CREATE INDEX evidence_of_execution ON evidence (execution_id, seq);
CREATE INDEX grant_newest ON standing_grant (workspace, issued_at DESC, id DESC);
CREATE INDEX grant_of_contract ON standing_grant (workspace, contract, expires_at, id);
CREATE INDEX policy_changeset_by_status ON policy_changeset (workspace, status, created_at DESC, id DESC);
CREATE INDEX policy_changeset_newest ON policy_changeset (workspace, created_at DESC, id DESC);
CREATE INDEX privacy_erasure_newest ON privacy_erasure (workspace, requested_at DESC, id DESC);
CREATE INDEX privacy_erasure_target ON privacy_erasure (workspace, target);
CREATE INDEX privacy_hold_newest ON privacy_hold (workspace, placed_at DESC, id DESC);
CREATE INDEX privacy_hold_standing ON privacy_hold (workspace) WHERE lifted_at IS NULL;
CREATE INDEX privacy_consent_newest ON privacy_consent (workspace, recorded_at DESC, id DESC);
CREATE INDEX privacy_consent_standing ON privacy_consent (workspace, target, purpose) WHERE withdrawn_at IS NULL;
CREATE INDEX privacy_condemned_cause ON privacy_condemned (cause);
CREATE INDEX skill_by_status ON skill (workspace, status, "key", version);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('entry',28);
COMMIT;
