/** Artifacts of one status list: 256 KiB unpacked, so that a verifier never loads a whole partition's history. */
export const STATUS_SEGMENT_ENTRIES = 2 ** 20;

/** Where an artifact's status is found: a list by partition and segment, and the place in it. */
export interface StatusPlace {
  readonly partition: number;
  readonly segment: number;
  readonly idx: number;
}

/** The place follows from where the intent lay in the log, so a second run gives the same claims. */
export function statusPlace(partition: number, offset: bigint): StatusPlace {
  const entries = BigInt(STATUS_SEGMENT_ENTRIES);
  return { partition, segment: Number(offset / entries), idx: Number(offset % entries) };
}

/** @param baseUrl where the domain's public documents are served, without a slash at the end */
export function statusListUri(baseUrl: string, place: Pick<StatusPlace, 'partition' | 'segment'>): string {
  return `${baseUrl}/status/${place.partition}/${place.segment}`;
}
