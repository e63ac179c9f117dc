import { LIMITS } from '@spendgate/core';

/** Every size this library enforces, by name. Bytes unless the name says otherwise. */

/** A signed intent, renewal or act as compact JWS. */
export const INTENT_BYTES_MAX = 16_384;
/** A signed settlement request or outcome as compact JWS. */
export const SETTLEMENT_REQUEST_BYTES_MAX = 16_384;
/** Any other signed object: mandates and status lists are larger. */
export const TOKEN_BYTES_MAX = 262_144;
/** One record value on a topic. */
export const RECORD_VALUE_BYTES_MAX = 1_000_000;
/** What a dead letter keeps of the record it describes. */
export const DEAD_LETTER_PAYLOAD_BYTES_MAX = 4_096;
/** The protected header of a compact JWS, decoded. */
export const JWS_HEADER_BYTES_MAX = 1_024;
/** A reported field path is cut here, so that a hostile member name cannot fill a log. */
export const FIELD_PATH_CHARS_MAX = 256;
/** Causes one leaf may name. */
export const LEAF_CAUSES_MAX = 64;
/** Leaves one bundle may carry: the longest lineage of one artifact with all its settlements stays far below. */
export const BUNDLE_LEAVES_MAX = 2_048;
/** Leaves a bundle of a time range may carry: with their contents they stay below the bytes of one. */
export const BUNDLE_RANGE_LEAVES_MAX = 4_096;
/** Settlements, and outcomes, of one bundle. */
export const BUNDLE_SETTLEMENTS_MAX = 512;
/** Deepest level of a mandate tree, the root being 0. */
export const MANDATE_DEPTH_MAX = LIMITS.mandateDepthMax - 1;

/** Bounds of one JSON text; the defaults are those of a request. */
export interface JsonLimits {
  readonly bytesMax: number;
  /** Nested arrays and objects; a bare scalar has depth 0. */
  readonly depthMax: number;
  /** UTF-16 code units of one string, member names included. */
  readonly stringCharsMax: number;
  readonly arrayItemsMax: number;
  readonly objectMembersMax: number;
}

export const REQUEST_JSON_LIMITS: JsonLimits = {
  bytesMax: INTENT_BYTES_MAX,
  depthMax: 32,
  stringCharsMax: 8_192,
  arrayItemsMax: 1_024,
  objectMembersMax: 256,
};

/** For what our own domain wrote: leaves' payloads, status lists, record values. */
export const RECORD_JSON_LIMITS: JsonLimits = {
  bytesMax: RECORD_VALUE_BYTES_MAX,
  depthMax: 32,
  stringCharsMax: RECORD_VALUE_BYTES_MAX,
  arrayItemsMax: 65_536,
  objectMembersMax: 4_096,
};

/** For a bundle: one file. */
export const BUNDLE_JSON_LIMITS: JsonLimits = { ...RECORD_JSON_LIMITS, bytesMax: 16_777_216 };
