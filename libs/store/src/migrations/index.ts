import { CreateControl1700000000001 } from './0001-create-control.js';
import { CreateMandates1700000000002 } from './0002-create-mandates.js';
import { CreateFlows1700000000003 } from './0003-create-flows.js';
import { CreateDecisions1700000000004 } from './0004-create-decisions.js';
import { CreateSettlements1700000000005 } from './0005-create-settlements.js';
import { CreateLeaves1700000000006 } from './0006-create-leaves.js';
import { CreateTransparencyLog1700000000007 } from './0007-create-transparency-log.js';
import { CreateEmbeddedLog1700000000008 } from './0008-create-embedded-log.js';
import { CreateChangeRequests1700000000009 } from './0009-create-change-requests.js';
import { CreateCounters1700000000010 } from './0010-create-counters.js';
import { RecordGrantors1700000000011 } from './0011-record-grantors.js';
import { IndexKeyLeaves1700000000012 } from './0012-index-key-leaves.js';
import { CreateRenewals1700000000013 } from './0013-create-renewals.js';
import { CreateWebhooks1700000000014 } from './0014-create-webhooks.js';
import { CreateIncidents1700000000015 } from './0015-create-incidents.js';
import { IndexLineage1700000000016 } from './0016-index-lineage.js';
import { CreateSettlementCases1700000000017 } from './0017-create-settlement-cases.js';
import { ConfirmLog1700000000018 } from './0018-confirm-log.js';
import { CountApprovers1700000000019 } from './0019-count-approvers.js';
import { IndexCheckpointTimes1700000000020 } from './0020-index-checkpoint-times.js';
import { CreateWatches1700000000021 } from './0021-create-watches.js';
import { WatchSpending1700000000023 } from './0023-watch-spending.js';
import { NotifyPeople1700000000024 } from './0024-notify-people.js';
import { KeepWitnessAnswers1700000000025 } from './0025-keep-witness-answers.js';
import { KeepFleetSeries1700000000027 } from './0027-keep-fleet-series.js';

/** Imported classes, not a file pattern: a bundled or relocated build migrates the same way. */
export const MIGRATIONS = [
  CreateControl1700000000001,
  CreateMandates1700000000002,
  CreateFlows1700000000003,
  CreateDecisions1700000000004,
  CreateSettlements1700000000005,
  CreateLeaves1700000000006,
  CreateTransparencyLog1700000000007,
  CreateEmbeddedLog1700000000008,
  CreateChangeRequests1700000000009,
  CreateCounters1700000000010,
  RecordGrantors1700000000011,
  IndexKeyLeaves1700000000012,
  CreateRenewals1700000000013,
  CreateWebhooks1700000000014,
  CreateIncidents1700000000015,
  IndexLineage1700000000016,
  CreateSettlementCases1700000000017,
  ConfirmLog1700000000018,
  CountApprovers1700000000019,
  IndexCheckpointTimes1700000000020,
  CreateWatches1700000000021,
  WatchSpending1700000000023,
  NotifyPeople1700000000024,
  KeepWitnessAnswers1700000000025,
  KeepFleetSeries1700000000027,
];
