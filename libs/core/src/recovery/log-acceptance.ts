/** What witnesses said to the log process that asked last. */
export interface HeardWitnesses {
  readonly quorum: number;
  /** Whether the quorum cosigned, or people accepted, in the epoch of that process. */
  readonly confirmed: boolean;
  /** Whether there is a signed head to accept. */
  readonly signed: boolean;
  /** `null`: it has not asked all of them yet. */
  readonly answers: { readonly silent: readonly string[]; readonly objecting: readonly string[] } | null;
}

/**
 * Whether two people may accept a log its witnesses have not confirmed. Silence can be accepted, an answer never: a
 * witness that is there and does not cosign has found something.
 *
 * @returns the problem; `null`: they may
 */
export function whyNotAcceptLog({ quorum, confirmed, signed, answers }: HeardWitnesses): string | null {
  if (quorum === 0) return 'the log has no witnesses: there is nothing to accept';
  if (answers !== null && answers.objecting.length > 0)
    return `only silence can be accepted, and a witness answered: ${answers.objecting.join('; ')}`;
  if (confirmed) return 'the last log process was confirmed; the next one asks its witnesses at its start';
  if (!signed) return 'the log has signed nothing yet';
  if (answers === null) return 'the log has not asked its witnesses yet: start `spendgate up` or `spendgate serve log`';
  return answers.silent.length === 0 ? 'every witness answers' : null;
}
