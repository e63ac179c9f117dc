import { describeDelivery, describeFaults, openEmbeddedWorld } from '@spendgate/testing';

const PARTITIONS = 3;
const TIMEOUT_MS = 30_000;

describeDelivery('the embedded log', () => openEmbeddedWorld(PARTITIONS), TIMEOUT_MS);
describeFaults('the embedded log', () => openEmbeddedWorld(PARTITIONS), TIMEOUT_MS);
