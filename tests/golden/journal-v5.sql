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
INSERT INTO "approval" VALUES('appr_01a22d0ffc6a73bf85d37034b5db5880','exec_01a22d0ffb09758cb21dc885dc5fbf21','acme','step_5470314e161743215ac0aec0a849ee7a','support.refund.issue@1.0.0','pending','ccb949d0969c39c0671e3c252e1cf2f30bbf6a231ccd51b1ed086feb0ee42511','{"amount":900.0,"currency":"EUR","orderId":"o-1004"}','{"approverRole":"approver","decisionId":"dec_e55c7eab56aa38241d56e34fb817319f","escalateAfter":null,"escalateTo":"","expiresIn":86400.0,"policyRevision":"sha256:fc5921dd3bdb83cbdb14cfa18f8bd1c8b79696ec11c0b0284e879196b443c038","quorum":1,"reasons":["support.refund.issue called by an agent needs the approval of a person with the role approver, because of input.amount."],"rules":[{"at":"verdict.csv:7","rule":"p, 210, type:agent, *, support.refund.issue?, *, amount > 100, assist, approver, 1, 24h, -"}],"verdict":"assist"}','approver',1,'high','support.refund.issue called by an agent needs the approval of a person with the role approver, because of input.amount.','agent-7','2026-11-30T15:25:52.103696Z','2026-12-01T15:25:52.103696Z','[]',NULL,NULL,NULL,NULL,NULL,NULL,'["agent-7","olga"]','["anonymous","planner","user"]');
CREATE TABLE archive (
	first INTEGER NOT NULL, 
	last INTEGER NOT NULL, 
	file TEXT NOT NULL, 
	digest TEXT NOT NULL, 
	absent TEXT NOT NULL, 
	chain TEXT NOT NULL, 
	seq INTEGER NOT NULL, 
	at TEXT NOT NULL, 
	PRIMARY KEY (first)
);
CREATE TABLE archived_entry (
	position INTEGER NOT NULL, 
	at TEXT NOT NULL, 
	type TEXT NOT NULL, 
	execution_id TEXT, 
	body TEXT NOT NULL, 
	workspace TEXT NOT NULL, 
	chain TEXT NOT NULL, 
	seq INTEGER NOT NULL, 
	PRIMARY KEY (position)
);
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
CREATE TABLE chain_head (
	chain TEXT NOT NULL, 
	seq INTEGER NOT NULL, 
	hash TEXT NOT NULL, 
	PRIMARY KEY (chain)
)
 WITHOUT ROWID

;
INSERT INTO "chain_head" VALUES('execution/exec_01a22d0ff49174a38b3e838c53b5394b',7,'5cbd6fcc77e84ff994982da1f86e929a4fcb8ca27f24a580eeca7dce6d08cbdb');
INSERT INTO "chain_head" VALUES('execution/exec_01a22d0ffb09758cb21dc885dc5fbf21',6,'82376a0e8c258f49f9f880d07f05626910e7eca642e042b48b4eff90b83940b7');
INSERT INTO "chain_head" VALUES('workspace//embedded',1,'3158581cc3378f73d49085c9b5e5190fea49f2ec01edd38c1330299e9d32f941');
INSERT INTO "chain_head" VALUES('workspace/acme/embedded',14,'07f9d38d5212e63d2cf9b695c027f1034c69a8f39a17098a25a279a3c1bc68ed');
CREATE TABLE checkpoint (
	number INTEGER NOT NULL, 
	ends_at INTEGER NOT NULL, 
	line TEXT NOT NULL, 
	PRIMARY KEY (number)
);
INSERT INTO "checkpoint" VALUES(1,451,'{"at":"2026-11-30T15:25:52.493661Z","format":2,"note":"contract-gateway/a045a15c58441c90ad96b520ac367286\n28\n4aQI8R0lZ8wnYpH6Druwd8i12XQs5kWwqj91+aW5zko=\nnumber 1\nprevious 0000000000000000000000000000000000000000000000000000000000000000\nat 2026-11-30T15:25:52.493661Z\n\n— contract-gateway/a045a15c58441c90ad96b520ac367286 7lFvd6V6Ekp+k8Sh2OFpmRGSHPIGs6mG3H3VSl1Hi41ZSOeECV8tcN71q+I+MnxtzLyxFm5U9E9rNZ2/Q6pHvb1L7gI=\n","number":1,"position":28}');
CREATE TABLE claim (
	run_id TEXT NOT NULL, 
	execution_id TEXT NOT NULL, 
	owner TEXT, 
	epoch INTEGER NOT NULL, 
	lease_until TEXT, 
	wake_seq INTEGER NOT NULL, 
	wake_at TEXT, 
	workspace TEXT NOT NULL, 
	urgent INTEGER NOT NULL, 
	PRIMARY KEY (run_id)
)
 WITHOUT ROWID

;
INSERT INTO "claim" VALUES('run_01a22d0ff7197682b94fd537e5daea9d','exec_01a22d0ff49174a38b3e838c53b5394b',NULL,1,NULL,1,NULL,'acme',0);
INSERT INTO "claim" VALUES('run_01a22d0ffc50718cb310520a7f31f2ae','exec_01a22d0ffb09758cb21dc885dc5fbf21',NULL,1,NULL,1,'2026-12-01T15:25:52.103696Z','acme',0);
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
INSERT INTO "entry" VALUES(1,'workspace//embedded',1,1,'2026-11-30T15:25:49.082044Z','policy.activated','',NULL,'','{"edits":[{"file":"access.conf","text":"# Who may call which operation contract. Casbin model; how to write rules: docs/policies.md.\n# Nothing is allowed without a rule, and one deny outweighs every allow.\n\n[request_definition]\nr = sub, dom, obj, act\n\n[policy_definition]\np = sub, dom, obj, act, eft\n\n[role_definition]\ng = _, _, _\n\n[policy_effect]\ne = some(where (p.eft == allow)) && !some(where (p.eft == deny))\n\n[matchers]\nm = g(r.sub, p.sub, r.dom) && domain(r.dom, p.dom) && selects(r.obj, p.obj) && (p.act == \"*\" || r.act == p.act)\n"},{"file":"access.csv","text":"g, admin, user, *\np, anonymous, *, auth:anonymous, call, allow\np, user, *, auth:user, call, allow\np, admin, *, auth:admin, call, allow\np, planner, *, controlPlane.plan.compile, call, allow\np, planner, *, controlPlane.plan.verify, call, allow\ng, admin, approver, *\np, approver, *, controlPlane.approval.list, call, allow\np, approver, *, controlPlane.execution.approve, call, allow\np, approver, *, controlPlane.execution.reject, call, allow\np, approver, *, controlPlane.execution.get, call, allow\np, approver, *, controlPlane.plan.get, call, allow\np, approver, *, controlPlane.approval.decide, call, allow\np, approver, *, controlPlane.grant.issue, call, allow\np, approver, *, controlPlane.grant.list, call, allow\np, approver, *, controlPlane.grant.revoke, call, allow\np, break-glass, *, controlPlane.execution.breakGlass, call, allow\np, break-glass, *, controlPlane.approval.list, call, allow\np, operator, *, controlPlane.execution.cancel, call, allow\np, operator, *, controlPlane.execution.pause, call, allow\np, operator, *, controlPlane.execution.resume, call, allow\np, operator, *, controlPlane.execution.shutdown, call, allow\np, operator, *, controlPlane.execution.abort, call, allow\np, operator, *, controlPlane.execution.retry, call, allow\np, operator, *, controlPlane.execution.compensate, call, allow\np, operator, *, controlPlane.step.reconcile, call, allow\np, operator, *, controlPlane.execution.get, call, allow\np, operator, *, controlPlane.execution.list, call, allow\np, operator, *, controlPlane.contract.execution.list, call, allow\np, operator, *, controlPlane.plan.get, call, allow\np, operator, *, controlPlane.trace.get, call, allow\np, operator, *, controlPlane.event.list, call, allow\np, operator, *, controlPlane.health.get, call, allow\np, operator, *, controlPlane.webhook.delivery.list, call, allow\np, operator, *, controlPlane.webhook.delivery.replay, call, allow\np, verifier, *, controlPlane.execution.lane.approve, call, allow\np, verifier, *, controlPlane.execution.lane.get, call, allow\np, verifier, *, controlPlane.execution.lane.list, call, allow\np, verifier, *, controlPlane.evidence.attach, call, allow\np, verifier, *, controlPlane.execution.get, call, allow\np, operator, *, controlPlane.execution.lane.assign, call, allow\np, operator, *, controlPlane.execution.lane.handover, call, allow\np, operator, *, controlPlane.execution.lane.get, call, allow\np, operator, *, controlPlane.execution.lane.list, call, allow\np, operator, *, controlPlane.evidence.attach, call, allow\np, auditor, *, controlPlane.execution.lane.get, call, allow\np, auditor, *, controlPlane.execution.lane.list, call, allow\np, auditor, *, controlPlane.execution.get, call, allow\np, auditor, *, controlPlane.execution.list, call, allow\np, auditor, *, controlPlane.contract.execution.list, call, allow\np, auditor, *, controlPlane.plan.get, call, allow\np, auditor, *, controlPlane.trace.get, call, allow\np, auditor, *, controlPlane.trace.replay, call, allow\np, auditor, *, controlPlane.policy.explain, call, allow\np, auditor, *, controlPlane.approval.list, call, allow\np, auditor, *, controlPlane.grant.list, call, allow\np, auditor, *, controlPlane.event.list, call, allow\np, auditor, *, controlPlane.health.get, call, allow\np, auditor, *, controlPlane.webhook.delivery.list, call, allow\np, auditor, *, controlPlane.execution.evidence.export, call, allow\np, auditor, *, capability:audit.record, call, allow\np, policy-enforcer, *, policy.decision.evaluate, call, allow\np, policy-enforcer, *, policy.decision.search, call, allow\np, policy-author, *, policy.changeset.draft, call, allow\np, policy-author, *, policy.changeset.revise, call, allow\np, policy-author, *, policy.changeset.withdraw, call, allow\np, policy-author, *, policy.revision.restore, call, allow\np, policy-author, *, policy.changeset.get, call, allow\np, policy-author, *, policy.changeset.list, call, allow\np, policy-author, *, policy.revision.list, call, allow\np, policy-author, *, policy.revision.diff, call, allow\np, policy-approver, *, policy.changeset.approve, call, allow\np, policy-approver, *, policy.changeset.reject, call, allow\np, policy-approver, *, policy.changeset.activate, call, allow\np, policy-approver, *, policy.changeset.get, call, allow\np, policy-approver, *, policy.changeset.list, call, allow\np, policy-approver, *, policy.revision.list, call, allow\np, policy-approver, *, policy.revision.diff, call, allow\np, auditor, *, policy.changeset.get, call, allow\np, auditor, *, policy.changeset.list, call, allow\np, auditor, *, policy.revision.list, call, allow\np, auditor, *, policy.revision.diff, call, allow\np, auditor, *, capability:policy.review, call, allow\np, policy-author, *, capability:policy.review, call, allow\np, policy-approver, *, capability:policy.review, call, allow\np, auditor, *, policy.decision.explain, call, allow\np, policy-author, *, policy.decision.explain, call, allow\np, policy-approver, *, policy.decision.explain, call, allow\np, policy-author, *, policy.changeset.analyze, call, allow\np, policy-author, *, policy.changeset.analysis.get, call, allow\np, policy-author, *, policy.changeset.shadow, call, allow\np, policy-author, *, policy.changeset.shadow.get, call, allow\np, policy-approver, *, policy.changeset.analyze, call, allow\np, policy-approver, *, policy.changeset.analysis.get, call, allow\np, policy-approver, *, policy.changeset.shadow, call, allow\np, policy-approver, *, policy.changeset.shadow.get, call, allow\np, auditor, *, policy.changeset.analysis.get, call, allow\np, auditor, *, policy.changeset.shadow.get, call, allow\np, privacy-officer, *, capability:privacy.rights, call, allow\np, auditor, *, privacy.erasure.get, call, allow\np, auditor, *, privacy.erasure.list, call, allow\np, auditor, *, privacy.hold.list, call, allow\np, auditor, *, privacy.retention.list, call, allow\n"},{"file":"pii.conf","text":"# What a principal sees of a PII field: raw, partial, mask, hash, full or drop. Casbin model;\n# docs/policies.md. The rule with the smallest priority that matches decides. Without a rule the field\n# is dropped. It is asked for each class of the field, and the strictest answer counts.\n\n[request_definition]\nr = sub, type, dom, obj, field\n\n[policy_definition]\np = priority, sub, type, dom, obj, field, treatment\n\n[policy_effect]\ne = priority(p.eft) || deny\n\n[matchers]\nm = (p.type == \"*\" || r.type == p.type) && plays(r.sub, p.sub) && domain(r.dom, p.dom) && selects(r.obj, p.obj) && covers(r.field, p.field)\n"},{"file":"pii.csv","text":"p, 100, pii.reader, human, *, *, *, raw\np, 110, privacy-officer, human, *, capability:privacy.rights, *, raw\np, 900, user, *, *, *, *, mask\np, 900, approver, *, *, *, *, mask\np, 900, auditor, *, *, *, *, mask\n"},{"file":"separation.yaml","text":"# Which duties nobody may have together. `gateway policy lint` holds the rules to it:\n#   roles: nobody may be given two of them, by assignment or by inheritance;\n#   contracts: no single role may call two of them; except: who may; reason: why they are apart.\n\n- roles: [policy-author, policy-approver]\n  reason: Nobody alone changes the rules that govern them.\n\n- contracts: [policy.changeset.draft, policy.changeset.approve]\n  except: [admin]\n  reason: >-\n    Nobody alone changes the rules that govern them. Admins may draft and approve, but never the\n    same changeset: its authors cannot approve it.\n\n- contracts: [privacy.subject.erase, privacy.erasure.approve]\n  except: [admin, privacy-officer]\n  reason: >-\n    Nobody alone erases what is held on somebody. Privacy officers and admins may ask and approve,\n    but never for the same erasure: who asked for it cannot approve it.\n\n- roles: [operator, verifier]\n  reason: Whoever steers a run does not confirm its result.\n\n- roles: [approver, break-glass]\n  reason: The emergency is for people who do not decide every day, so that its use stands out.\n"},{"file":"verdict.conf","text":"# How a call with a handler may run: by itself (autonomous), after an approval (assist), or never\n# (blocked). Casbin model; how to write rules: docs/policies.md.\n# The rule with the smallest priority that matches decides. Without a rule the call is blocked.\n\n[request_definition]\nr = sub, dom, obj, risk, args\n\n[policy_definition]\np = priority, sub, dom, obj, risk, when, verdict, approver, quorum, expiry, escalation\n\n[policy_effect]\ne = priority(p.eft) || deny\n\n[matchers]\nm = (p.risk == \"*\" || r.risk == p.risk) && plays(r.sub, p.sub) && domain(r.dom, p.dom) && selects(r.obj, p.obj) && holds(p.when, r.args)\n"},{"file":"verdict.csv","text":"p, 110, type:agent, *, tag:money, *, has(amount) && amount > 10000, blocked, -, -, -, -\np, 110, type:tool, *, tag:money, *, has(amount) && amount > 10000, blocked, -, -, -, -\np, 200, type:agent, *, support.refund.issue?, *, amount <= 100, autonomous, -, -, -, -\np, 200, type:tool, *, support.refund.issue?, *, amount <= 100, autonomous, -, -, -, -\np, 200, type:service, *, support.refund.issue?, *, amount <= 100, autonomous, -, -, -, -\np, 200, type:human, *, support.refund.issue?, *, amount <= 100, autonomous, -, -, -, -\np, 210, type:agent, *, support.refund.issue?, *, amount > 100, assist, approver, 1, 24h, -\np, 210, type:tool, *, support.refund.issue?, *, amount > 100, assist, approver, 1, 24h, -\np, 210, type:service, *, support.refund.issue?, *, amount > 100, assist, approver, 1, 24h, -\np, 210, type:human, *, support.refund.issue?, *, amount > 100, assist, approver, 1, 24h, -\np, 900, type:agent, *, *, low, true, autonomous, -, -, -, -\np, 900, type:agent, *, *, medium, true, assist, approver, 1, 24h, -\np, 900, type:agent, *, *, high, true, assist, approver, 1, 24h, -\np, 900, type:agent, *, *, critical, true, blocked, -, -, -, -\np, 900, type:tool, *, *, low, true, autonomous, -, -, -, -\np, 900, type:tool, *, *, medium, true, assist, approver, 1, 24h, -\np, 900, type:tool, *, *, high, true, assist, approver, 1, 24h, -\np, 900, type:tool, *, *, critical, true, blocked, -, -, -, -\np, 900, type:service, *, *, low, true, autonomous, -, -, -, -\np, 900, type:service, *, *, medium, true, assist, approver, 1, 24h, -\np, 900, type:service, *, *, high, true, assist, approver, 1, 24h, -\np, 900, type:service, *, *, critical, true, blocked, -, -, -, -\np, 900, type:human, *, *, low, true, autonomous, -, -, -, -\np, 900, type:human, *, *, medium, true, autonomous, -, -, -, -\np, 900, type:human, *, *, high, true, assist, approver, 1, 24h, -\np, 900, type:human, *, *, critical, true, assist, approver, 1, 24h, -\n"}],"parent":null,"previous":null,"revision":"sha256:fc5921dd3bdb83cbdb14cfa18f8bd1c8b79696ec11c0b0284e879196b443c038","source":"files"}','0000000000000000000000000000000000000000000000000000000000000000','3158581cc3378f73d49085c9b5e5190fea49f2ec01edd38c1330299e9d32f941');
INSERT INTO "entry" VALUES(2,'execution/exec_01a22d0ff49174a38b3e838c53b5394b',1,1,'2026-11-30T15:25:50.097478Z','intent.received','acme','exec_01a22d0ff49174a38b3e838c53b5394b','agent-7','{"channel":null,"compensates":null,"direct":false,"intentId":"intent_01a22d0ff49174a499f8c95b099f0390","metadata":null,"submitter":{"capabilities":null,"roles":["planner","user"],"session":"tok_01a22d0ff367731a95fe00a1d49cba67","subject":"agent-7","type":"agent","workspace":"acme"},"text":{"$sealed":[2,"controlPlane.intent.submit@1.0.0","input.text","eaadff1d85d76e6b03ebf728","lNHULnyRlPfY3tRnStadBBXA_nwBoSg373026-GaZ21BfZdawE-9Ch-p2ZFGXDBPR_4"]},"traceId":null}','0000000000000000000000000000000000000000000000000000000000000000','0ee3f64852e7ce6233b060d91fe731264ddfb9d18d09e988d4f4dc5e8da84222');
INSERT INTO "entry" VALUES(3,'workspace/acme/embedded',1,1,'2026-11-30T15:25:50.097478Z','call.completed','acme',NULL,'agent-7','{"capabilities":null,"contract":"controlPlane.intent.submit@1.0.0","decision":{"decisionId":"dec_2ce45534bbb6248afa4ac60f3105aa50","effect":"allow","missing":[],"policyRevision":"sha256:fc5921dd3bdb83cbdb14cfa18f8bd1c8b79696ec11c0b0284e879196b443c038","reason":"Policy allows calling controlPlane.intent.submit.","rule":{"at":"access.csv:3","rule":"p, user, *, auth:user, call, allow"}},"events":[{"event":"controlPlane.intent.received@1.0.0","payload":{"executionId":"exec_01a22d0ff49174a38b3e838c53b5394b","intentId":"intent_01a22d0ff49174a499f8c95b099f0390","receivedAt":"2026-11-30T15:25:50.097478Z"}}],"executionId":null,"idempotencyKey":null,"inputDigest":"d80aaf30a5a1f60efc4ebfe82fef9033a7c3ffedc710ebd52c07e15d3b6d3c38","key":"controlPlane.intent.submit@1.0.0","output":{"executionId":"exec_01a22d0ff49174a38b3e838c53b5394b","intentId":"intent_01a22d0ff49174a499f8c95b099f0390","receivedAt":"2026-11-30T15:25:50.097478Z","status":"RECEIVED"},"principalType":"agent","roles":["planner","user"],"seen":{},"session":"tok_01a22d0ff367731a95fe00a1d49cba67","subject":"agent-7","traceId":null}','0000000000000000000000000000000000000000000000000000000000000000','a3ba4f6430874f61f1324f66651579b999cc918e7ae7d9cf8e8607906e4b10e7');
INSERT INTO "entry" VALUES(4,'execution/exec_01a22d0ff49174a38b3e838c53b5394b',2,1,'2026-11-30T15:25:50.445448Z','plan.compiled','acme','exec_01a22d0ff49174a38b3e838c53b5394b','agent-7','{"compensate":false,"compiler":"agent-7","edges":[],"hash":"694aa45aa0f02cd5746a26fd1f8b2eb65d399a6e9df1e0066f17968e6f803ed3","planId":"plan_01a22d0ff5df7528bd1a973efbb0aaa8","plannerModel":null,"steps":[{"contract":"support.order.lookup@1.0.0","contractDigest":"4c13d620a691a2f35f782b8f3bd727a593d23633c48477474afa5c23723e7019","dependsOn":[],"id":"step_1ed66d6c4963dadab9abcdcba0424ced","input":{"orderId":"o-1001"},"key":"order","pii":[],"subject":"customerEmail"}]}','0ee3f64852e7ce6233b060d91fe731264ddfb9d18d09e988d4f4dc5e8da84222','de7408440c8617d67e2e46cd7ab999907059a2c927fc58aa10b3d6d0ca231cba');
INSERT INTO "entry" VALUES(5,'workspace/acme/embedded',2,1,'2026-11-30T15:25:50.445448Z','call.completed','acme',NULL,'agent-7','{"capabilities":null,"contract":"controlPlane.plan.compile@1.0.0","decision":{"decisionId":"dec_348f1c649bc9c40ab839f60cbc11b7c9","effect":"allow","missing":[],"policyRevision":"sha256:fc5921dd3bdb83cbdb14cfa18f8bd1c8b79696ec11c0b0284e879196b443c038","reason":"Policy allows calling controlPlane.plan.compile.","rule":{"at":"access.csv:5","rule":"p, planner, *, controlPlane.plan.compile, call, allow"}},"events":[{"event":"controlPlane.plan.compiled@1.0.0","payload":{"compiledAt":"2026-11-30T15:25:50.445448Z","executionId":"exec_01a22d0ff49174a38b3e838c53b5394b","planId":"plan_01a22d0ff5df7528bd1a973efbb0aaa8","stepCount":1}}],"executionId":null,"idempotencyKey":null,"inputDigest":"2d1ffb322d21039f007b60cddeeebb290fb7a6fab3b1cc04db9354244d1c3c14","key":"controlPlane.plan.compile@1.0.0","output":{"compiledAt":"2026-11-30T15:25:50.445448Z","deterministicHash":"694aa45aa0f02cd5746a26fd1f8b2eb65d399a6e9df1e0066f17968e6f803ed3","planId":"plan_01a22d0ff5df7528bd1a973efbb0aaa8","stepCount":1},"principalType":"agent","roles":["planner","user"],"seen":{},"session":"tok_01a22d0ff367731a95fe00a1d49cba67","subject":"agent-7","traceId":null}','a3ba4f6430874f61f1324f66651579b999cc918e7ae7d9cf8e8607906e4b10e7','6e13f8c1e9c60b805bd77201464a2a1f90c8813da9071de9a3cabfa113ab70c4');
INSERT INTO "entry" VALUES(6,'execution/exec_01a22d0ff49174a38b3e838c53b5394b',3,1,'2026-11-30T15:25:50.600399Z','plan.verified','acme','exec_01a22d0ff49174a38b3e838c53b5394b','olga','{"blockedReasons":[],"decisions":{"step_1ed66d6c4963dadab9abcdcba0424ced":{"access":{"decisionId":"dec_21d1874f9cb2fca2a82d0b9aa3de35d9","effect":"allow","missing":[],"policyRevision":"sha256:fc5921dd3bdb83cbdb14cfa18f8bd1c8b79696ec11c0b0284e879196b443c038","reason":"Policy allows calling support.order.lookup.","rule":{"at":"access.csv:3","rule":"p, user, *, auth:user, call, allow"}},"approverRole":"approver","decisionId":"dec_3437fcb9d7dc0b7e2bd753b56d70f076","escalateAfter":null,"escalateTo":"","expiresIn":86400.0,"policyRevision":"sha256:fc5921dd3bdb83cbdb14cfa18f8bd1c8b79696ec11c0b0284e879196b443c038","quorum":1,"reasons":["support.order.lookup runs by itself for an agent, because its risk is low."],"rules":[{"at":"verdict.csv:11","rule":"p, 900, type:agent, *, *, low, true, autonomous, -, -, -, -"}],"verdict":"autonomous"}},"executionStatus":"verified","planId":"plan_01a22d0ff5df7528bd1a973efbb0aaa8","revision":"sha256:fc5921dd3bdb83cbdb14cfa18f8bd1c8b79696ec11c0b0284e879196b443c038","risk":"low","verdict":"autonomous","verifiedBy":"olga"}','de7408440c8617d67e2e46cd7ab999907059a2c927fc58aa10b3d6d0ca231cba','09be5e29dfc73d015ef93aa4c9b8646842b45e43f6398c763839cba9f0ffa072');
INSERT INTO "entry" VALUES(7,'workspace/acme/embedded',3,1,'2026-11-30T15:25:50.600399Z','call.completed','acme',NULL,'olga','{"capabilities":null,"contract":"controlPlane.plan.verify@1.0.0","decision":{"decisionId":"dec_88b97a1fe65a431b0ceba2f26ec4458b","effect":"allow","missing":[],"policyRevision":"sha256:fc5921dd3bdb83cbdb14cfa18f8bd1c8b79696ec11c0b0284e879196b443c038","reason":"Policy allows calling controlPlane.plan.verify.","rule":{"at":"access.csv:4","rule":"p, admin, *, auth:admin, call, allow"}},"events":[],"executionId":null,"idempotencyKey":null,"inputDigest":"977b2176b9719f16eea7594dce1db906b9253f6158e108dc4261951e94260486","key":"controlPlane.plan.verify@1.0.0","output":{"blockedReasons":[],"requiresApproval":false,"verdict":"AUTONOMOUS","verifiedAt":"2026-11-30T15:25:50.600399Z"},"principalType":"human","roles":["admin"],"seen":{},"session":"tok_01a22d0ff3697150aca70ac5863c056d","subject":"olga","traceId":null}','6e13f8c1e9c60b805bd77201464a2a1f90c8813da9071de9a3cabfa113ab70c4','1fc1c5a433e436fec62c03569d0225cadeb0bed0d119862e635ef65ac992a649');
INSERT INTO "entry" VALUES(8,'execution/exec_01a22d0ff49174a38b3e838c53b5394b',4,1,'2026-11-30T15:25:50.744452Z','run.started','acme','exec_01a22d0ff49174a38b3e838c53b5394b','olga','{"executionStatus":"running","mode":"autonomous","planId":"plan_01a22d0ff5df7528bd1a973efbb0aaa8","revision":"sha256:fc5921dd3bdb83cbdb14cfa18f8bd1c8b79696ec11c0b0284e879196b443c038","runId":"run_01a22d0ff7197682b94fd537e5daea9d","starter":"olga"}','09be5e29dfc73d015ef93aa4c9b8646842b45e43f6398c763839cba9f0ffa072','3b3197d7ca9980911322048f6f633e0d9e68bf78a6ce3573c631aee94d2e53a8');
INSERT INTO "entry" VALUES(9,'workspace/acme/embedded',4,1,'2026-11-30T15:25:50.744452Z','call.completed','acme',NULL,'olga','{"capabilities":null,"contract":"controlPlane.execution.start@1.0.0","decision":{"decisionId":"dec_9c8fa94a030e20d9689f93aa58378e5d","effect":"allow","missing":[],"policyRevision":"sha256:fc5921dd3bdb83cbdb14cfa18f8bd1c8b79696ec11c0b0284e879196b443c038","reason":"Policy allows calling controlPlane.execution.start.","rule":{"at":"access.csv:4","rule":"p, admin, *, auth:admin, call, allow"}},"events":[],"executionId":null,"idempotencyKey":null,"inputDigest":"977b2176b9719f16eea7594dce1db906b9253f6158e108dc4261951e94260486","key":"controlPlane.execution.start@1.0.0","output":{"runId":"run_01a22d0ff7197682b94fd537e5daea9d","startedAt":"2026-11-30T15:25:50.744452Z","status":"RUNNING"},"principalType":"human","roles":["admin"],"seen":{},"session":"tok_01a22d0ff3697150aca70ac5863c056d","subject":"olga","traceId":null}','1fc1c5a433e436fec62c03569d0225cadeb0bed0d119862e635ef65ac992a649','c618a17249d583e05701ed46d4e6f7218b56b3b3fec651eb23d06d545014e60a');
INSERT INTO "entry" VALUES(10,'execution/exec_01a22d0ff49174a38b3e838c53b5394b',5,1,'2026-11-30T15:25:50.791861Z','step.dispatched','acme','exec_01a22d0ff49174a38b3e838c53b5394b','','{"access":{"decisionId":"dec_dd04c204a9ca0ed9506d2b047f47e7c0","effect":"allow","missing":[],"policyRevision":"sha256:fc5921dd3bdb83cbdb14cfa18f8bd1c8b79696ec11c0b0284e879196b443c038","reason":"Policy allows calling support.order.lookup.","rule":{"at":"access.csv:3","rule":"p, user, *, auth:user, call, allow"}},"attempt":1,"contract":"support.order.lookup@1.0.0","decision":{"approverRole":"approver","decisionId":"dec_64bef7155b0cf3763c3af4490df04520","escalateAfter":null,"escalateTo":"","expiresIn":86400.0,"policyRevision":"sha256:fc5921dd3bdb83cbdb14cfa18f8bd1c8b79696ec11c0b0284e879196b443c038","quorum":1,"reasons":["support.order.lookup runs by itself for an agent, because its risk is low."],"rules":[{"at":"verdict.csv:11","rule":"p, 900, type:agent, *, *, low, true, autonomous, -, -, -, -"}],"verdict":"autonomous"},"epoch":1,"idempotencyKey":"key_b383820b7647f5a0c8e65136445ad0f7","input":{"orderId":"o-1001"},"key":"order","planId":"plan_01a22d0ff5df7528bd1a973efbb0aaa8","stepId":"step_1ed66d6c4963dadab9abcdcba0424ced"}','3b3197d7ca9980911322048f6f633e0d9e68bf78a6ce3573c631aee94d2e53a8','1735bf307d959e4f87f94619e5899395dc48311a79546ad4f88f55889855848a');
INSERT INTO "entry" VALUES(11,'workspace/acme/embedded',5,1,'2026-11-30T15:25:51.228651Z','query.answered','acme',NULL,'olga','{"capabilities":null,"contract":"controlPlane.execution.get@1.0.0","decision":{"decisionId":"dec_65ab6c5561d6e8a23c6f20e44aa644b0","effect":"allow","missing":[],"policyRevision":"sha256:fc5921dd3bdb83cbdb14cfa18f8bd1c8b79696ec11c0b0284e879196b443c038","reason":"Policy allows calling controlPlane.execution.get.","rule":{"at":"access.csv:11","rule":"p, approver, *, controlPlane.execution.get, call, allow"}},"inputDigest":"babdc93d3456d0379c36872133324afaa3e67c317f106c97d1472b26846fafcf","principalType":"human","roles":["admin"],"seen":{},"session":"tok_01a22d0ff3697150aca70ac5863c056d","subject":"olga","traceId":null,"verdict":null}','c618a17249d583e05701ed46d4e6f7218b56b3b3fec651eb23d06d545014e60a','f2e0d3a9c4717e0ce600d60b5dd201f7e48ba825e1e546bafff418f736c38de0');
INSERT INTO "entry" VALUES(12,'workspace/acme/embedded',6,1,'2026-11-30T15:25:51.316922Z','query.answered','acme',NULL,'olga','{"capabilities":null,"contract":"controlPlane.execution.get@1.0.0","decision":{"decisionId":"dec_50ec2ea68533acc4295a66c5f49839f6","effect":"allow","missing":[],"policyRevision":"sha256:fc5921dd3bdb83cbdb14cfa18f8bd1c8b79696ec11c0b0284e879196b443c038","reason":"Policy allows calling controlPlane.execution.get.","rule":{"at":"access.csv:11","rule":"p, approver, *, controlPlane.execution.get, call, allow"}},"inputDigest":"babdc93d3456d0379c36872133324afaa3e67c317f106c97d1472b26846fafcf","principalType":"human","roles":["admin"],"seen":{},"session":"tok_01a22d0ff3697150aca70ac5863c056d","subject":"olga","traceId":null,"verdict":null}','f2e0d3a9c4717e0ce600d60b5dd201f7e48ba825e1e546bafff418f736c38de0','8cf20f58e239cb2449a912e56c76470335382ac4d3a1f384a5dd8ea27b4c1be1');
INSERT INTO "entry" VALUES(13,'execution/exec_01a22d0ff49174a38b3e838c53b5394b',6,1,'2026-11-30T15:25:51.637818Z','step.completed','acme','exec_01a22d0ff49174a38b3e838c53b5394b','','{"attempt":1,"epoch":1,"output":{"amount":250.0,"currency":"EUR","customerEmail":{"$sealed":[2,"support.order.lookup@1.0.0","output.customerEmail","0ad204b79ab6b30a831855d3","NBmDB9pf_hsiMqzMz1W-atnKutlGGLU3aO_Bgu2N8WxA0G_0Pw4cg0fgcQAyQxo"]},"customerName":{"$sealed":[2,"support.order.lookup@1.0.0","output.customerName","0ad204b79ab6b30a831855d3","m35ca8flNq74WoAJDbVor-ZjIaJ_tdk6MfRcu1xjKJQhJo12QSP9Jpz_"]},"orderId":"o-1001","refunded":0.0},"planId":"plan_01a22d0ff5df7528bd1a973efbb0aaa8","stepId":"step_1ed66d6c4963dadab9abcdcba0424ced"}','1735bf307d959e4f87f94619e5899395dc48311a79546ad4f88f55889855848a','fb68a486a7b1c5e64d646b8471037d6a80637ad21417e04f436aa4716255154d');
INSERT INTO "entry" VALUES(14,'execution/exec_01a22d0ff49174a38b3e838c53b5394b',7,1,'2026-11-30T15:25:51.637818Z','run.ended','acme','exec_01a22d0ff49174a38b3e838c53b5394b','','{"executionStatus":"completed","planId":"plan_01a22d0ff5df7528bd1a973efbb0aaa8","runId":"run_01a22d0ff7197682b94fd537e5daea9d","steps":{}}','fb68a486a7b1c5e64d646b8471037d6a80637ad21417e04f436aa4716255154d','5cbd6fcc77e84ff994982da1f86e929a4fcb8ca27f24a580eeca7dce6d08cbdb');
INSERT INTO "entry" VALUES(15,'workspace/acme/embedded',7,1,'2026-11-30T15:25:51.658292Z','query.answered','acme',NULL,'olga','{"capabilities":null,"contract":"controlPlane.execution.get@1.0.0","decision":{"decisionId":"dec_90d816e80b5ba93a3f6cc9065ec153fc","effect":"allow","missing":[],"policyRevision":"sha256:fc5921dd3bdb83cbdb14cfa18f8bd1c8b79696ec11c0b0284e879196b443c038","reason":"Policy allows calling controlPlane.execution.get.","rule":{"at":"access.csv:11","rule":"p, approver, *, controlPlane.execution.get, call, allow"}},"inputDigest":"babdc93d3456d0379c36872133324afaa3e67c317f106c97d1472b26846fafcf","principalType":"human","roles":["admin"],"seen":{},"session":"tok_01a22d0ff3697150aca70ac5863c056d","subject":"olga","traceId":null,"verdict":null}','8cf20f58e239cb2449a912e56c76470335382ac4d3a1f384a5dd8ea27b4c1be1','15b286870d20d5afd1f3b95449fab307a47087bc3a4eec8a4d29060b1b8a622a');
INSERT INTO "entry" VALUES(16,'workspace/acme/embedded',8,1,'2026-11-30T15:25:51.727970Z','query.answered','acme',NULL,'olga','{"capabilities":null,"contract":"controlPlane.execution.get@1.0.0","decision":{"decisionId":"dec_f78ff770ee350d48d0629bc9a6475b7a","effect":"allow","missing":[],"policyRevision":"sha256:fc5921dd3bdb83cbdb14cfa18f8bd1c8b79696ec11c0b0284e879196b443c038","reason":"Policy allows calling controlPlane.execution.get.","rule":{"at":"access.csv:11","rule":"p, approver, *, controlPlane.execution.get, call, allow"}},"inputDigest":"babdc93d3456d0379c36872133324afaa3e67c317f106c97d1472b26846fafcf","principalType":"human","roles":["admin"],"seen":{},"session":"tok_01a22d0ff3697150aca70ac5863c056d","subject":"olga","traceId":null,"verdict":null}','15b286870d20d5afd1f3b95449fab307a47087bc3a4eec8a4d29060b1b8a622a','78a15de3fb3c78009c74cc9fcccd74facaf67d6442e063a6deab1de1e6d58056');
INSERT INTO "entry" VALUES(17,'execution/exec_01a22d0ffb09758cb21dc885dc5fbf21',1,1,'2026-11-30T15:25:51.752944Z','intent.received','acme','exec_01a22d0ffb09758cb21dc885dc5fbf21','agent-7','{"channel":null,"compensates":null,"direct":false,"intentId":"intent_01a22d0ffb09758d97f152de64f8a6da","metadata":null,"submitter":{"capabilities":null,"roles":["planner","user"],"session":"tok_01a22d0ff367731a95fe00a1d49cba67","subject":"agent-7","type":"agent","workspace":"acme"},"text":{"$sealed":[2,"controlPlane.intent.submit@1.0.0","input.text","9590e0bbfc816133fa4d17b8","5pnUPK8KPfZMQOGpBA3SudmYyEDceCUTb-yZ8V40kjUlBvL00597ARFaGmxOoWQCgXY"]},"traceId":null}','0000000000000000000000000000000000000000000000000000000000000000','3f5a6019689ff948dfe4ea87b1f5ea863d8bbb89ef71efc5e46faedfa3c35e99');
INSERT INTO "entry" VALUES(18,'workspace/acme/embedded',9,1,'2026-11-30T15:25:51.752944Z','call.completed','acme',NULL,'agent-7','{"capabilities":null,"contract":"controlPlane.intent.submit@1.0.0","decision":{"decisionId":"dec_c63d120f481eab640590156dd153a451","effect":"allow","missing":[],"policyRevision":"sha256:fc5921dd3bdb83cbdb14cfa18f8bd1c8b79696ec11c0b0284e879196b443c038","reason":"Policy allows calling controlPlane.intent.submit.","rule":{"at":"access.csv:3","rule":"p, user, *, auth:user, call, allow"}},"events":[{"event":"controlPlane.intent.received@1.0.0","payload":{"executionId":"exec_01a22d0ffb09758cb21dc885dc5fbf21","intentId":"intent_01a22d0ffb09758d97f152de64f8a6da","receivedAt":"2026-11-30T15:25:51.752944Z"}}],"executionId":null,"idempotencyKey":null,"inputDigest":"d80aaf30a5a1f60efc4ebfe82fef9033a7c3ffedc710ebd52c07e15d3b6d3c38","key":"controlPlane.intent.submit@1.0.0","output":{"executionId":"exec_01a22d0ffb09758cb21dc885dc5fbf21","intentId":"intent_01a22d0ffb09758d97f152de64f8a6da","receivedAt":"2026-11-30T15:25:51.752944Z","status":"RECEIVED"},"principalType":"agent","roles":["planner","user"],"seen":{},"session":"tok_01a22d0ff367731a95fe00a1d49cba67","subject":"agent-7","traceId":null}','78a15de3fb3c78009c74cc9fcccd74facaf67d6442e063a6deab1de1e6d58056','2a8c15871851fcbae85c64cf3d8e44c3c0a39fa58fa0d51af2d1c33091764958');
INSERT INTO "entry" VALUES(19,'execution/exec_01a22d0ffb09758cb21dc885dc5fbf21',2,1,'2026-11-30T15:25:51.887279Z','plan.compiled','acme','exec_01a22d0ffb09758cb21dc885dc5fbf21','agent-7','{"compensate":false,"compiler":"agent-7","edges":[],"hash":"8de70a2d41fa7795ae343bdcb56eec9056e0421e27836409cc2568690cd2c7de","planId":"plan_01a22d0ffb8470828970a476d346b1d4","plannerModel":null,"steps":[{"contract":"support.refund.issue@1.0.0","contractDigest":"e29f7850a2d4333120c987c9abf45be254c4a5c0e2dbfad02a578037266c120f","dependsOn":[],"id":"step_5470314e161743215ac0aec0a849ee7a","input":{"amount":900.0,"currency":"EUR","orderId":"o-1004"},"key":"refund","pii":["customerEmail"],"subject":"customerEmail"}]}','3f5a6019689ff948dfe4ea87b1f5ea863d8bbb89ef71efc5e46faedfa3c35e99','e5ef04c30f67a88576a55b77d0ec4a9d3c1bab02c10f49167cf66c9932003689');
INSERT INTO "entry" VALUES(20,'workspace/acme/embedded',10,1,'2026-11-30T15:25:51.887279Z','call.completed','acme',NULL,'agent-7','{"capabilities":null,"contract":"controlPlane.plan.compile@1.0.0","decision":{"decisionId":"dec_defd29f8638ad73e3139d73dfd465e0f","effect":"allow","missing":[],"policyRevision":"sha256:fc5921dd3bdb83cbdb14cfa18f8bd1c8b79696ec11c0b0284e879196b443c038","reason":"Policy allows calling controlPlane.plan.compile.","rule":{"at":"access.csv:5","rule":"p, planner, *, controlPlane.plan.compile, call, allow"}},"events":[{"event":"controlPlane.plan.compiled@1.0.0","payload":{"compiledAt":"2026-11-30T15:25:51.887279Z","executionId":"exec_01a22d0ffb09758cb21dc885dc5fbf21","planId":"plan_01a22d0ffb8470828970a476d346b1d4","stepCount":1}}],"executionId":null,"idempotencyKey":null,"inputDigest":"407e0b56788554bc8ebde086a4cf2adf3d6e0cc2fea19bbd4b310e81565d85c9","key":"controlPlane.plan.compile@1.0.0","output":{"compiledAt":"2026-11-30T15:25:51.887279Z","deterministicHash":"8de70a2d41fa7795ae343bdcb56eec9056e0421e27836409cc2568690cd2c7de","planId":"plan_01a22d0ffb8470828970a476d346b1d4","stepCount":1},"principalType":"agent","roles":["planner","user"],"seen":{},"session":"tok_01a22d0ff367731a95fe00a1d49cba67","subject":"agent-7","traceId":null}','2a8c15871851fcbae85c64cf3d8e44c3c0a39fa58fa0d51af2d1c33091764958','9518d15d16a43c794fb700d56abefe3ae2505517f4e19f1b78dec758d4e304ee');
INSERT INTO "entry" VALUES(21,'execution/exec_01a22d0ffb09758cb21dc885dc5fbf21',3,1,'2026-11-30T15:25:51.981751Z','plan.verified','acme','exec_01a22d0ffb09758cb21dc885dc5fbf21','olga','{"blockedReasons":[],"decisions":{"step_5470314e161743215ac0aec0a849ee7a":{"access":{"decisionId":"dec_c3b656d038a959cf53f5eae7cf561487","effect":"allow","missing":[],"policyRevision":"sha256:fc5921dd3bdb83cbdb14cfa18f8bd1c8b79696ec11c0b0284e879196b443c038","reason":"Policy allows calling support.refund.issue.","rule":{"at":"access.csv:3","rule":"p, user, *, auth:user, call, allow"}},"approverRole":"approver","decisionId":"dec_364db1b955d4a93b3f571e511e7e28d3","escalateAfter":null,"escalateTo":"","expiresIn":86400.0,"policyRevision":"sha256:fc5921dd3bdb83cbdb14cfa18f8bd1c8b79696ec11c0b0284e879196b443c038","quorum":1,"reasons":["support.refund.issue called by an agent needs the approval of a person with the role approver, because of input.amount."],"rules":[{"at":"verdict.csv:7","rule":"p, 210, type:agent, *, support.refund.issue?, *, amount > 100, assist, approver, 1, 24h, -"}],"verdict":"assist"}},"executionStatus":"verified","planId":"plan_01a22d0ffb8470828970a476d346b1d4","revision":"sha256:fc5921dd3bdb83cbdb14cfa18f8bd1c8b79696ec11c0b0284e879196b443c038","risk":"high","verdict":"assist","verifiedBy":"olga"}','e5ef04c30f67a88576a55b77d0ec4a9d3c1bab02c10f49167cf66c9932003689','638125a0818db351114b5602755c724ac61f5b9c1b75f2bf585517bd6ff5a0e4');
INSERT INTO "entry" VALUES(22,'workspace/acme/embedded',11,1,'2026-11-30T15:25:51.981751Z','call.completed','acme',NULL,'olga','{"capabilities":null,"contract":"controlPlane.plan.verify@1.0.0","decision":{"decisionId":"dec_f45fa08eff4c01efbf780a6ddb15b9f6","effect":"allow","missing":[],"policyRevision":"sha256:fc5921dd3bdb83cbdb14cfa18f8bd1c8b79696ec11c0b0284e879196b443c038","reason":"Policy allows calling controlPlane.plan.verify.","rule":{"at":"access.csv:4","rule":"p, admin, *, auth:admin, call, allow"}},"events":[],"executionId":null,"idempotencyKey":null,"inputDigest":"49da7084caedab098334748a1a291a6edd52fe7d4a9a2960d69bb8218aa3aab9","key":"controlPlane.plan.verify@1.0.0","output":{"blockedReasons":[],"requiresApproval":true,"verdict":"ASSIST","verifiedAt":"2026-11-30T15:25:51.981751Z"},"principalType":"human","roles":["admin"],"seen":{},"session":"tok_01a22d0ff3697150aca70ac5863c056d","subject":"olga","traceId":null}','9518d15d16a43c794fb700d56abefe3ae2505517f4e19f1b78dec758d4e304ee','5b852b21e5f09d72c74991808dddea7df895539da03f21b25787c56713ff6d54');
INSERT INTO "entry" VALUES(23,'execution/exec_01a22d0ffb09758cb21dc885dc5fbf21',4,1,'2026-11-30T15:25:52.079917Z','run.started','acme','exec_01a22d0ffb09758cb21dc885dc5fbf21','olga','{"executionStatus":"running","mode":"autonomous","planId":"plan_01a22d0ffb8470828970a476d346b1d4","revision":"sha256:fc5921dd3bdb83cbdb14cfa18f8bd1c8b79696ec11c0b0284e879196b443c038","runId":"run_01a22d0ffc50718cb310520a7f31f2ae","starter":"olga"}','638125a0818db351114b5602755c724ac61f5b9c1b75f2bf585517bd6ff5a0e4','1ffa86a3c33e8a17e6779f1878865281a6947e33b92304ec5989d7c62adc606d');
INSERT INTO "entry" VALUES(24,'workspace/acme/embedded',12,1,'2026-11-30T15:25:52.079917Z','call.completed','acme',NULL,'olga','{"capabilities":null,"contract":"controlPlane.execution.start@1.0.0","decision":{"decisionId":"dec_8252379e192a0c22b14aa8517db2bc0b","effect":"allow","missing":[],"policyRevision":"sha256:fc5921dd3bdb83cbdb14cfa18f8bd1c8b79696ec11c0b0284e879196b443c038","reason":"Policy allows calling controlPlane.execution.start.","rule":{"at":"access.csv:4","rule":"p, admin, *, auth:admin, call, allow"}},"events":[],"executionId":null,"idempotencyKey":null,"inputDigest":"49da7084caedab098334748a1a291a6edd52fe7d4a9a2960d69bb8218aa3aab9","key":"controlPlane.execution.start@1.0.0","output":{"runId":"run_01a22d0ffc50718cb310520a7f31f2ae","startedAt":"2026-11-30T15:25:52.079917Z","status":"RUNNING"},"principalType":"human","roles":["admin"],"seen":{},"session":"tok_01a22d0ff3697150aca70ac5863c056d","subject":"olga","traceId":null}','5b852b21e5f09d72c74991808dddea7df895539da03f21b25787c56713ff6d54','070b068765c40ca3f20c43c178696dba419653ee968af2f6d43522cba039c46b');
INSERT INTO "entry" VALUES(25,'execution/exec_01a22d0ffb09758cb21dc885dc5fbf21',5,1,'2026-11-30T15:25:52.103696Z','approval.requested','acme','exec_01a22d0ffb09758cb21dc885dc5fbf21','','{"approvalId":"appr_01a22d0ffc6a73bf85d37034b5db5880","approverRole":"approver","arguments":{"amount":900.0,"currency":"EUR","orderId":"o-1004"},"contract":"support.refund.issue@1.0.0","decision":{"approverRole":"approver","decisionId":"dec_e55c7eab56aa38241d56e34fb817319f","escalateAfter":null,"escalateTo":"","expiresIn":86400.0,"policyRevision":"sha256:fc5921dd3bdb83cbdb14cfa18f8bd1c8b79696ec11c0b0284e879196b443c038","quorum":1,"reasons":["support.refund.issue called by an agent needs the approval of a person with the role approver, because of input.amount."],"rules":[{"at":"verdict.csv:7","rule":"p, 210, type:agent, *, support.refund.issue?, *, amount > 100, assist, approver, 1, 24h, -"}],"verdict":"assist"},"digest":"ccb949d0969c39c0671e3c252e1cf2f30bbf6a231ccd51b1ed086feb0ee42511","excluded":["agent-7","olga"],"expiresAt":"2026-12-01T15:25:52.103696Z","planId":"plan_01a22d0ffb8470828970a476d346b1d4","quorum":1,"reason":"support.refund.issue called by an agent needs the approval of a person with the role approver, because of input.amount.","requestedBy":"agent-7","requesterRoles":["anonymous","planner","user"],"risk":"high","stepId":"step_5470314e161743215ac0aec0a849ee7a"}','1ffa86a3c33e8a17e6779f1878865281a6947e33b92304ec5989d7c62adc606d','60acc8d36a90183ad34eac1c9264a213e6b3ffbbde035fccd528a7bd560837f6');
INSERT INTO "entry" VALUES(26,'execution/exec_01a22d0ffb09758cb21dc885dc5fbf21',6,1,'2026-11-30T15:25:52.103696Z','run.waiting','acme','exec_01a22d0ffb09758cb21dc885dc5fbf21','','{"executionStatus":"waiting_approval","wakeAt":"2026-12-01T15:25:52.103696Z"}','60acc8d36a90183ad34eac1c9264a213e6b3ffbbde035fccd528a7bd560837f6','82376a0e8c258f49f9f880d07f05626910e7eca642e042b48b4eff90b83940b7');
INSERT INTO "entry" VALUES(27,'workspace/acme/embedded',13,1,'2026-11-30T15:25:52.182781Z','query.answered','acme',NULL,'olga','{"capabilities":null,"contract":"controlPlane.execution.get@1.0.0","decision":{"decisionId":"dec_03d3875730953be7cd509c035a3d885f","effect":"allow","missing":[],"policyRevision":"sha256:fc5921dd3bdb83cbdb14cfa18f8bd1c8b79696ec11c0b0284e879196b443c038","reason":"Policy allows calling controlPlane.execution.get.","rule":{"at":"access.csv:11","rule":"p, approver, *, controlPlane.execution.get, call, allow"}},"inputDigest":"3f65d881a44cb16ef65ae55896b4614ae3719c2a8eedb30a64dd92d15dd9934f","principalType":"human","roles":["admin"],"seen":{},"session":"tok_01a22d0ff3697150aca70ac5863c056d","subject":"olga","traceId":null,"verdict":null}','070b068765c40ca3f20c43c178696dba419653ee968af2f6d43522cba039c46b','189b1b8bc627b2aaa52928815ad4f947ba231b2074a2d71e0e2a2d11b648a5ad');
INSERT INTO "entry" VALUES(28,'workspace/acme/embedded',14,1,'2026-11-30T15:25:52.252521Z','query.answered','acme',NULL,'olga','{"capabilities":null,"contract":"controlPlane.execution.get@1.0.0","decision":{"decisionId":"dec_7f6a733fd31ede2e2d8a1c2f33870ddc","effect":"allow","missing":[],"policyRevision":"sha256:fc5921dd3bdb83cbdb14cfa18f8bd1c8b79696ec11c0b0284e879196b443c038","reason":"Policy allows calling controlPlane.execution.get.","rule":{"at":"access.csv:11","rule":"p, approver, *, controlPlane.execution.get, call, allow"}},"inputDigest":"3f65d881a44cb16ef65ae55896b4614ae3719c2a8eedb30a64dd92d15dd9934f","principalType":"human","roles":["admin"],"seen":{},"session":"tok_01a22d0ff3697150aca70ac5863c056d","subject":"olga","traceId":null,"verdict":null}','189b1b8bc627b2aaa52928815ad4f947ba231b2074a2d71e0e2a2d11b648a5ad','07f9d38d5212e63d2cf9b695c027f1034c69a8f39a17098a25a279a3c1bc68ed');
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
INSERT INTO "execution" VALUES('exec_01a22d0ff49174a38b3e838c53b5394b','acme','completed','{"capabilities":null,"roles":["planner","user"],"session":"tok_01a22d0ff367731a95fe00a1d49cba67","subject":"agent-7","type":"agent","workspace":"acme"}','agent-7','intent_01a22d0ff49174a499f8c95b099f0390','2026-11-30T15:25:50.097478Z','2026-11-30T15:25:51.637818Z','{"$sealed":[2,"controlPlane.intent.submit@1.0.0","input.text","eaadff1d85d76e6b03ebf728","lNHULnyRlPfY3tRnStadBBXA_nwBoSg373026-GaZ21BfZdawE-9Ch-p2ZFGXDBPR_4"]}',0,NULL,NULL,NULL,'plan_01a22d0ff5df7528bd1a973efbb0aaa8','run_01a22d0ff7197682b94fd537e5daea9d','autonomous','olga','2026-11-30T15:25:50.744452Z','2026-11-30T15:25:51.637818Z','low','autonomous',NULL,0,0,NULL,NULL,0,NULL,0,NULL,NULL);
INSERT INTO "execution" VALUES('exec_01a22d0ffb09758cb21dc885dc5fbf21','acme','waiting_approval','{"capabilities":null,"roles":["planner","user"],"session":"tok_01a22d0ff367731a95fe00a1d49cba67","subject":"agent-7","type":"agent","workspace":"acme"}','agent-7','intent_01a22d0ffb09758d97f152de64f8a6da','2026-11-30T15:25:51.752944Z','2026-11-30T15:25:52.103696Z','{"$sealed":[2,"controlPlane.intent.submit@1.0.0","input.text","9590e0bbfc816133fa4d17b8","5pnUPK8KPfZMQOGpBA3SudmYyEDceCUTb-yZ8V40kjUlBvL00597ARFaGmxOoWQCgXY"]}',0,NULL,NULL,NULL,'plan_01a22d0ffb8470828970a476d346b1d4','run_01a22d0ffc50718cb310520a7f31f2ae','autonomous','olga','2026-11-30T15:25:52.079917Z',NULL,'high','assist',NULL,0,0,NULL,NULL,0,NULL,0,NULL,NULL);
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
INSERT INTO "meta" VALUES(5);
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
INSERT INTO "plan" VALUES('plan_01a22d0ff5df7528bd1a973efbb0aaa8','exec_01a22d0ff49174a38b3e838c53b5394b','694aa45aa0f02cd5746a26fd1f8b2eb65d399a6e9df1e0066f17968e6f803ed3','[{"contract":"support.order.lookup@1.0.0","contractDigest":"4c13d620a691a2f35f782b8f3bd727a593d23633c48477474afa5c23723e7019","dependsOn":[],"id":"step_1ed66d6c4963dadab9abcdcba0424ced","input":{"orderId":"o-1001"},"key":"order","pii":[],"subject":"customerEmail"}]','[]','agent-7',NULL,0,'2026-11-30T15:25:50.445448Z','autonomous','{"step_1ed66d6c4963dadab9abcdcba0424ced":{"access":{"decisionId":"dec_21d1874f9cb2fca2a82d0b9aa3de35d9","effect":"allow","missing":[],"policyRevision":"sha256:fc5921dd3bdb83cbdb14cfa18f8bd1c8b79696ec11c0b0284e879196b443c038","reason":"Policy allows calling support.order.lookup.","rule":{"at":"access.csv:3","rule":"p, user, *, auth:user, call, allow"}},"approverRole":"approver","decisionId":"dec_3437fcb9d7dc0b7e2bd753b56d70f076","escalateAfter":null,"escalateTo":"","expiresIn":86400.0,"policyRevision":"sha256:fc5921dd3bdb83cbdb14cfa18f8bd1c8b79696ec11c0b0284e879196b443c038","quorum":1,"reasons":["support.order.lookup runs by itself for an agent, because its risk is low."],"rules":[{"at":"verdict.csv:11","rule":"p, 900, type:agent, *, *, low, true, autonomous, -, -, -, -"}],"verdict":"autonomous"}}','sha256:fc5921dd3bdb83cbdb14cfa18f8bd1c8b79696ec11c0b0284e879196b443c038','2026-11-30T15:25:50.600399Z');
INSERT INTO "plan" VALUES('plan_01a22d0ffb8470828970a476d346b1d4','exec_01a22d0ffb09758cb21dc885dc5fbf21','8de70a2d41fa7795ae343bdcb56eec9056e0421e27836409cc2568690cd2c7de','[{"contract":"support.refund.issue@1.0.0","contractDigest":"e29f7850a2d4333120c987c9abf45be254c4a5c0e2dbfad02a578037266c120f","dependsOn":[],"id":"step_5470314e161743215ac0aec0a849ee7a","input":{"amount":900.0,"currency":"EUR","orderId":"o-1004"},"key":"refund","pii":["customerEmail"],"subject":"customerEmail"}]','[]','agent-7',NULL,0,'2026-11-30T15:25:51.887279Z','assist','{"step_5470314e161743215ac0aec0a849ee7a":{"access":{"decisionId":"dec_c3b656d038a959cf53f5eae7cf561487","effect":"allow","missing":[],"policyRevision":"sha256:fc5921dd3bdb83cbdb14cfa18f8bd1c8b79696ec11c0b0284e879196b443c038","reason":"Policy allows calling support.refund.issue.","rule":{"at":"access.csv:3","rule":"p, user, *, auth:user, call, allow"}},"approverRole":"approver","decisionId":"dec_364db1b955d4a93b3f571e511e7e28d3","escalateAfter":null,"escalateTo":"","expiresIn":86400.0,"policyRevision":"sha256:fc5921dd3bdb83cbdb14cfa18f8bd1c8b79696ec11c0b0284e879196b443c038","quorum":1,"reasons":["support.refund.issue called by an agent needs the approval of a person with the role approver, because of input.amount."],"rules":[{"at":"verdict.csv:7","rule":"p, 210, type:agent, *, support.refund.issue?, *, amount > 100, assist, approver, 1, 24h, -"}],"verdict":"assist"}}','sha256:fc5921dd3bdb83cbdb14cfa18f8bd1c8b79696ec11c0b0284e879196b443c038','2026-11-30T15:25:51.981751Z');
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
INSERT INTO "policy_activation" VALUES(1,'sha256:fc5921dd3bdb83cbdb14cfa18f8bd1c8b79696ec11c0b0284e879196b443c038',NULL,'files',NULL,'','2026-11-30T15:25:49.082044Z');
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
INSERT INTO "policy_head" VALUES(1,'sha256:fc5921dd3bdb83cbdb14cfa18f8bd1c8b79696ec11c0b0284e879196b443c038');
CREATE TABLE policy_revision (
	revision TEXT NOT NULL, 
	parent TEXT, 
	edits TEXT NOT NULL, 
	recorded_at TEXT NOT NULL, 
	PRIMARY KEY (revision)
);
INSERT INTO "policy_revision" VALUES('sha256:fc5921dd3bdb83cbdb14cfa18f8bd1c8b79696ec11c0b0284e879196b443c038',NULL,'[{"file":"access.conf","text":"# Who may call which operation contract. Casbin model; how to write rules: docs/policies.md.\n# Nothing is allowed without a rule, and one deny outweighs every allow.\n\n[request_definition]\nr = sub, dom, obj, act\n\n[policy_definition]\np = sub, dom, obj, act, eft\n\n[role_definition]\ng = _, _, _\n\n[policy_effect]\ne = some(where (p.eft == allow)) && !some(where (p.eft == deny))\n\n[matchers]\nm = g(r.sub, p.sub, r.dom) && domain(r.dom, p.dom) && selects(r.obj, p.obj) && (p.act == \"*\" || r.act == p.act)\n"},{"file":"access.csv","text":"g, admin, user, *\np, anonymous, *, auth:anonymous, call, allow\np, user, *, auth:user, call, allow\np, admin, *, auth:admin, call, allow\np, planner, *, controlPlane.plan.compile, call, allow\np, planner, *, controlPlane.plan.verify, call, allow\ng, admin, approver, *\np, approver, *, controlPlane.approval.list, call, allow\np, approver, *, controlPlane.execution.approve, call, allow\np, approver, *, controlPlane.execution.reject, call, allow\np, approver, *, controlPlane.execution.get, call, allow\np, approver, *, controlPlane.plan.get, call, allow\np, approver, *, controlPlane.approval.decide, call, allow\np, approver, *, controlPlane.grant.issue, call, allow\np, approver, *, controlPlane.grant.list, call, allow\np, approver, *, controlPlane.grant.revoke, call, allow\np, break-glass, *, controlPlane.execution.breakGlass, call, allow\np, break-glass, *, controlPlane.approval.list, call, allow\np, operator, *, controlPlane.execution.cancel, call, allow\np, operator, *, controlPlane.execution.pause, call, allow\np, operator, *, controlPlane.execution.resume, call, allow\np, operator, *, controlPlane.execution.shutdown, call, allow\np, operator, *, controlPlane.execution.abort, call, allow\np, operator, *, controlPlane.execution.retry, call, allow\np, operator, *, controlPlane.execution.compensate, call, allow\np, operator, *, controlPlane.step.reconcile, call, allow\np, operator, *, controlPlane.execution.get, call, allow\np, operator, *, controlPlane.execution.list, call, allow\np, operator, *, controlPlane.contract.execution.list, call, allow\np, operator, *, controlPlane.plan.get, call, allow\np, operator, *, controlPlane.trace.get, call, allow\np, operator, *, controlPlane.event.list, call, allow\np, operator, *, controlPlane.health.get, call, allow\np, operator, *, controlPlane.webhook.delivery.list, call, allow\np, operator, *, controlPlane.webhook.delivery.replay, call, allow\np, verifier, *, controlPlane.execution.lane.approve, call, allow\np, verifier, *, controlPlane.execution.lane.get, call, allow\np, verifier, *, controlPlane.execution.lane.list, call, allow\np, verifier, *, controlPlane.evidence.attach, call, allow\np, verifier, *, controlPlane.execution.get, call, allow\np, operator, *, controlPlane.execution.lane.assign, call, allow\np, operator, *, controlPlane.execution.lane.handover, call, allow\np, operator, *, controlPlane.execution.lane.get, call, allow\np, operator, *, controlPlane.execution.lane.list, call, allow\np, operator, *, controlPlane.evidence.attach, call, allow\np, auditor, *, controlPlane.execution.lane.get, call, allow\np, auditor, *, controlPlane.execution.lane.list, call, allow\np, auditor, *, controlPlane.execution.get, call, allow\np, auditor, *, controlPlane.execution.list, call, allow\np, auditor, *, controlPlane.contract.execution.list, call, allow\np, auditor, *, controlPlane.plan.get, call, allow\np, auditor, *, controlPlane.trace.get, call, allow\np, auditor, *, controlPlane.trace.replay, call, allow\np, auditor, *, controlPlane.policy.explain, call, allow\np, auditor, *, controlPlane.approval.list, call, allow\np, auditor, *, controlPlane.grant.list, call, allow\np, auditor, *, controlPlane.event.list, call, allow\np, auditor, *, controlPlane.health.get, call, allow\np, auditor, *, controlPlane.webhook.delivery.list, call, allow\np, auditor, *, controlPlane.execution.evidence.export, call, allow\np, auditor, *, capability:audit.record, call, allow\np, policy-enforcer, *, policy.decision.evaluate, call, allow\np, policy-enforcer, *, policy.decision.search, call, allow\np, policy-author, *, policy.changeset.draft, call, allow\np, policy-author, *, policy.changeset.revise, call, allow\np, policy-author, *, policy.changeset.withdraw, call, allow\np, policy-author, *, policy.revision.restore, call, allow\np, policy-author, *, policy.changeset.get, call, allow\np, policy-author, *, policy.changeset.list, call, allow\np, policy-author, *, policy.revision.list, call, allow\np, policy-author, *, policy.revision.diff, call, allow\np, policy-approver, *, policy.changeset.approve, call, allow\np, policy-approver, *, policy.changeset.reject, call, allow\np, policy-approver, *, policy.changeset.activate, call, allow\np, policy-approver, *, policy.changeset.get, call, allow\np, policy-approver, *, policy.changeset.list, call, allow\np, policy-approver, *, policy.revision.list, call, allow\np, policy-approver, *, policy.revision.diff, call, allow\np, auditor, *, policy.changeset.get, call, allow\np, auditor, *, policy.changeset.list, call, allow\np, auditor, *, policy.revision.list, call, allow\np, auditor, *, policy.revision.diff, call, allow\np, auditor, *, capability:policy.review, call, allow\np, policy-author, *, capability:policy.review, call, allow\np, policy-approver, *, capability:policy.review, call, allow\np, auditor, *, policy.decision.explain, call, allow\np, policy-author, *, policy.decision.explain, call, allow\np, policy-approver, *, policy.decision.explain, call, allow\np, policy-author, *, policy.changeset.analyze, call, allow\np, policy-author, *, policy.changeset.analysis.get, call, allow\np, policy-author, *, policy.changeset.shadow, call, allow\np, policy-author, *, policy.changeset.shadow.get, call, allow\np, policy-approver, *, policy.changeset.analyze, call, allow\np, policy-approver, *, policy.changeset.analysis.get, call, allow\np, policy-approver, *, policy.changeset.shadow, call, allow\np, policy-approver, *, policy.changeset.shadow.get, call, allow\np, auditor, *, policy.changeset.analysis.get, call, allow\np, auditor, *, policy.changeset.shadow.get, call, allow\np, privacy-officer, *, capability:privacy.rights, call, allow\np, auditor, *, privacy.erasure.get, call, allow\np, auditor, *, privacy.erasure.list, call, allow\np, auditor, *, privacy.hold.list, call, allow\np, auditor, *, privacy.retention.list, call, allow\n"},{"file":"pii.conf","text":"# What a principal sees of a PII field: raw, partial, mask, hash, full or drop. Casbin model;\n# docs/policies.md. The rule with the smallest priority that matches decides. Without a rule the field\n# is dropped. It is asked for each class of the field, and the strictest answer counts.\n\n[request_definition]\nr = sub, type, dom, obj, field\n\n[policy_definition]\np = priority, sub, type, dom, obj, field, treatment\n\n[policy_effect]\ne = priority(p.eft) || deny\n\n[matchers]\nm = (p.type == \"*\" || r.type == p.type) && plays(r.sub, p.sub) && domain(r.dom, p.dom) && selects(r.obj, p.obj) && covers(r.field, p.field)\n"},{"file":"pii.csv","text":"p, 100, pii.reader, human, *, *, *, raw\np, 110, privacy-officer, human, *, capability:privacy.rights, *, raw\np, 900, user, *, *, *, *, mask\np, 900, approver, *, *, *, *, mask\np, 900, auditor, *, *, *, *, mask\n"},{"file":"separation.yaml","text":"# Which duties nobody may have together. `gateway policy lint` holds the rules to it:\n#   roles: nobody may be given two of them, by assignment or by inheritance;\n#   contracts: no single role may call two of them; except: who may; reason: why they are apart.\n\n- roles: [policy-author, policy-approver]\n  reason: Nobody alone changes the rules that govern them.\n\n- contracts: [policy.changeset.draft, policy.changeset.approve]\n  except: [admin]\n  reason: >-\n    Nobody alone changes the rules that govern them. Admins may draft and approve, but never the\n    same changeset: its authors cannot approve it.\n\n- contracts: [privacy.subject.erase, privacy.erasure.approve]\n  except: [admin, privacy-officer]\n  reason: >-\n    Nobody alone erases what is held on somebody. Privacy officers and admins may ask and approve,\n    but never for the same erasure: who asked for it cannot approve it.\n\n- roles: [operator, verifier]\n  reason: Whoever steers a run does not confirm its result.\n\n- roles: [approver, break-glass]\n  reason: The emergency is for people who do not decide every day, so that its use stands out.\n"},{"file":"verdict.conf","text":"# How a call with a handler may run: by itself (autonomous), after an approval (assist), or never\n# (blocked). Casbin model; how to write rules: docs/policies.md.\n# The rule with the smallest priority that matches decides. Without a rule the call is blocked.\n\n[request_definition]\nr = sub, dom, obj, risk, args\n\n[policy_definition]\np = priority, sub, dom, obj, risk, when, verdict, approver, quorum, expiry, escalation\n\n[policy_effect]\ne = priority(p.eft) || deny\n\n[matchers]\nm = (p.risk == \"*\" || r.risk == p.risk) && plays(r.sub, p.sub) && domain(r.dom, p.dom) && selects(r.obj, p.obj) && holds(p.when, r.args)\n"},{"file":"verdict.csv","text":"p, 110, type:agent, *, tag:money, *, has(amount) && amount > 10000, blocked, -, -, -, -\np, 110, type:tool, *, tag:money, *, has(amount) && amount > 10000, blocked, -, -, -, -\np, 200, type:agent, *, support.refund.issue?, *, amount <= 100, autonomous, -, -, -, -\np, 200, type:tool, *, support.refund.issue?, *, amount <= 100, autonomous, -, -, -, -\np, 200, type:service, *, support.refund.issue?, *, amount <= 100, autonomous, -, -, -, -\np, 200, type:human, *, support.refund.issue?, *, amount <= 100, autonomous, -, -, -, -\np, 210, type:agent, *, support.refund.issue?, *, amount > 100, assist, approver, 1, 24h, -\np, 210, type:tool, *, support.refund.issue?, *, amount > 100, assist, approver, 1, 24h, -\np, 210, type:service, *, support.refund.issue?, *, amount > 100, assist, approver, 1, 24h, -\np, 210, type:human, *, support.refund.issue?, *, amount > 100, assist, approver, 1, 24h, -\np, 900, type:agent, *, *, low, true, autonomous, -, -, -, -\np, 900, type:agent, *, *, medium, true, assist, approver, 1, 24h, -\np, 900, type:agent, *, *, high, true, assist, approver, 1, 24h, -\np, 900, type:agent, *, *, critical, true, blocked, -, -, -, -\np, 900, type:tool, *, *, low, true, autonomous, -, -, -, -\np, 900, type:tool, *, *, medium, true, assist, approver, 1, 24h, -\np, 900, type:tool, *, *, high, true, assist, approver, 1, 24h, -\np, 900, type:tool, *, *, critical, true, blocked, -, -, -, -\np, 900, type:service, *, *, low, true, autonomous, -, -, -, -\np, 900, type:service, *, *, medium, true, assist, approver, 1, 24h, -\np, 900, type:service, *, *, high, true, assist, approver, 1, 24h, -\np, 900, type:service, *, *, critical, true, blocked, -, -, -, -\np, 900, type:human, *, *, low, true, autonomous, -, -, -, -\np, 900, type:human, *, *, medium, true, autonomous, -, -, -, -\np, 900, type:human, *, *, high, true, assist, approver, 1, 24h, -\np, 900, type:human, *, *, critical, true, assist, approver, 1, 24h, -\n"}]','2026-11-30T15:25:49.082044Z');
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
CREATE TABLE restoration (
	chain TEXT NOT NULL, 
	seq INTEGER NOT NULL, 
	"before" TEXT NOT NULL, 
	PRIMARY KEY (chain, seq)
)
 WITHOUT ROWID

;
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
INSERT INTO "step" VALUES('plan_01a22d0ff5df7528bd1a973efbb0aaa8','step_1ed66d6c4963dadab9abcdcba0424ced','exec_01a22d0ff49174a38b3e838c53b5394b',0,'order','support.order.lookup@1.0.0','completed','2026-11-30T15:25:51.637818Z',1,0,0,'{"orderId":"o-1001"}','{"amount":250.0,"currency":"EUR","customerEmail":{"$sealed":[2,"support.order.lookup@1.0.0","output.customerEmail","0ad204b79ab6b30a831855d3","NBmDB9pf_hsiMqzMz1W-atnKutlGGLU3aO_Bgu2N8WxA0G_0Pw4cg0fgcQAyQxo"]},"customerName":{"$sealed":[2,"support.order.lookup@1.0.0","output.customerName","0ad204b79ab6b30a831855d3","m35ca8flNq74WoAJDbVor-ZjIaJ_tdk6MfRcu1xjKJQhJo12QSP9Jpz_"]},"orderId":"o-1001","refunded":0.0}',NULL,'{"approverRole":"approver","decisionId":"dec_64bef7155b0cf3763c3af4490df04520","escalateAfter":null,"escalateTo":"","expiresIn":86400.0,"policyRevision":"sha256:fc5921dd3bdb83cbdb14cfa18f8bd1c8b79696ec11c0b0284e879196b443c038","quorum":1,"reasons":["support.order.lookup runs by itself for an agent, because its risk is low."],"rules":[{"at":"verdict.csv:11","rule":"p, 900, type:agent, *, *, low, true, autonomous, -, -, -, -"}],"verdict":"autonomous"}',NULL,'2026-11-30T15:25:50.791861Z','2026-11-30T15:25:51.637818Z');
INSERT INTO "step" VALUES('plan_01a22d0ffb8470828970a476d346b1d4','step_5470314e161743215ac0aec0a849ee7a','exec_01a22d0ffb09758cb21dc885dc5fbf21',0,'refund','support.refund.issue@1.0.0','waiting_approval','2026-11-30T15:25:52.103696Z',0,0,0,NULL,NULL,NULL,'{"approverRole":"approver","decisionId":"dec_e55c7eab56aa38241d56e34fb817319f","escalateAfter":null,"escalateTo":"","expiresIn":86400.0,"policyRevision":"sha256:fc5921dd3bdb83cbdb14cfa18f8bd1c8b79696ec11c0b0284e879196b443c038","quorum":1,"reasons":["support.refund.issue called by an agent needs the approval of a person with the role approver, because of input.amount."],"rules":[{"at":"verdict.csv:7","rule":"p, 210, type:agent, *, support.refund.issue?, *, amount > 100, assist, approver, 1, 24h, -"}],"verdict":"assist"}',NULL,NULL,NULL);
CREATE TABLE tile (
	level INTEGER NOT NULL, 
	place INTEGER NOT NULL, 
	hashes BLOB NOT NULL, 
	PRIMARY KEY (level, place)
);
INSERT INTO "tile" VALUES(0,0,X'A045A15C58441C90AD96B520AC3672865C7E936085B7CCE214784DDF24B57D6B3436B1813175D5BEAE51D3241A4FE7B50414CD8F5CE9A40D699471B4FC8DF69211F2023EE977253D691559D6A0AEF41577C65B0564C883A42EFB253A82E733B4CE57ECDC3CDBF3274EDF2A6EFD891299DB7FBD8AA960BAB050D52F100C38FEEBC728C193ECABEFA3076D5BAF3D8AD69EC2BEA67DE57045218C71CD80A4C60AB2E403EC430D0B75579A358433890DFBB1BC30BC9411D22405071E0ACE6127C1E4283D62A0D6AA42CAEDBE984AD475998D12EB1386E43C3F40C55BA3F1F741E9C6073A418315C87DCC923C94DF12DF20E83A513F6CA773BCABD68BDC8FE7AFCD25C3BAD11A8D67C1AD3DF02B6155E61AEF654E03229399ABDCC9E48141A53EF0E506E89C41FE88A787FC20F364BC2937885503A24B63E4CF881CE21F2CD3FFC3EAF90D369D45A895DFDDD9129FE2A384F70456DA7C70980E2ACB82841A2C969170A9FCF08775245DA870BCBCC109BE4ED5D5DF1404279AAFC44A39FBDC69B32054CA60C3578645877E579693E31A4ACD6E54994404C09E5F3577BA3E4CDEA1A42E060ECB013DC9FD6202487727615DD4E77A6B12E2E1FBD92727E0C5B2AB56353708432C2051C6F63D15F2D4DF0D0EF72A940EDC012526C38F8B024C2A4F4AEC265B013D7D94C3011A1654D10F55CE7185028B1ED467635B9A52E7FB5DB536047A84A7E9DD8F388928BACB0556CA2AFA146C712CD0E60135346C42839D08AB2C66FAB705A245F569445434AA5B7FD8DA41033E3FBD8B8DC43C84DC24D3E3420C6268045344D322796E50EEDFF29AE8F6B4350E068A770C16CF96D740F2DB0C744B8BEDC5FD3AA9FE66CE324C71137FC5C216ECCD950AEA54108B732996F00A8B5806E73D92398B448EDF8A7C27A753A5D50FB992C97FA62B6E518D7F4A02944CC15690D4F50173454F04752D75C97D1E2E9B17FDB75684D432DAC9E9635EAC95C93BA7B3769B53BC346C387FE78E12DCDB488BF20965F8051BDA26C35CE617A81FC65A69005611B8D7A381FF1286D6251C67FA8F9CD1AB3DCE099CB1EF91AA5117347F34588D198B4CB91E630D8D0EEAEB1CB47335C6386277E161DB2ED6BABDA57EF546AECBA1EAF050253DAE420645EE14ABEFF6829B3EF72CB24C1A628B75A41EA7ACA10FE7372C015A8A3D693F6E0E151763E7971C52A63131DF30D74AF70D681FCBA1A3DF354B7C7CA1EE65387C87892A79D21FBEDB2625142ED233843EB0');
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
CREATE INDEX approval_by_status ON approval (workspace, status, requested_at, id);
CREATE INDEX approval_of_execution ON approval (workspace, execution_id, requested_at, id);
CREATE INDEX approval_of_step ON approval (execution_id, step_id, requested_at);
CREATE INDEX approval_oldest ON approval (workspace, requested_at, id);
CREATE INDEX archived_entry_chain ON archived_entry (chain, seq);
CREATE INDEX claim_due ON claim (workspace, urgent, wake_at) WHERE owner IS NULL AND wake_at IS NOT NULL;
CREATE INDEX claim_held ON claim (workspace) WHERE owner IS NOT NULL;
CREATE INDEX claim_wake ON claim (wake_at) WHERE owner IS NULL;
CREATE INDEX evidence_of_execution ON evidence (execution_id, seq);
CREATE INDEX execution_by_status ON execution (workspace, status, created_at DESC, id DESC);
CREATE INDEX execution_by_subject ON execution (workspace, subject, created_at DESC, id DESC);
CREATE INDEX execution_in_lane ON execution (workspace, created_at DESC, id DESC) WHERE lane IS NOT NULL AND run_id IS NOT NULL;
CREATE INDEX execution_newest ON execution (workspace, created_at DESC, id DESC);
CREATE UNIQUE INDEX execution_run ON execution (run_id);
CREATE INDEX policy_changeset_by_status ON policy_changeset (workspace, status, created_at DESC, id DESC);
CREATE INDEX policy_changeset_newest ON policy_changeset (workspace, created_at DESC, id DESC);
CREATE INDEX privacy_condemned_cause ON privacy_condemned (cause);
CREATE INDEX privacy_consent_newest ON privacy_consent (workspace, recorded_at DESC, id DESC);
CREATE INDEX privacy_consent_standing ON privacy_consent (workspace, target, purpose) WHERE withdrawn_at IS NULL;
CREATE INDEX privacy_erasure_newest ON privacy_erasure (workspace, requested_at DESC, id DESC);
CREATE INDEX privacy_erasure_target ON privacy_erasure (workspace, target);
CREATE INDEX privacy_hold_newest ON privacy_hold (workspace, placed_at DESC, id DESC);
CREATE INDEX privacy_hold_standing ON privacy_hold (workspace) WHERE lifted_at IS NULL;
CREATE INDEX skill_by_status ON skill (workspace, status, "key", version);
CREATE INDEX grant_newest ON standing_grant (workspace, issued_at DESC, id DESC);
CREATE INDEX grant_of_contract ON standing_grant (workspace, contract, expires_at, id);
CREATE INDEX webhook_delivery_by_status ON webhook_delivery (workspace, status, position DESC, idx DESC, id);
CREATE INDEX webhook_delivery_due ON webhook_delivery (workspace, endpoint, status, next_at);
CREATE INDEX webhook_delivery_newest ON webhook_delivery (workspace, position DESC, idx DESC, id);
CREATE INDEX webhook_delivery_old ON webhook_delivery (status, updated_at);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('entry',28);
COMMIT;
