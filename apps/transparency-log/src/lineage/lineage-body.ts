import type { Lineage, LineageAsked } from '@spendgate/store';

/** As `GET /v1/lineage/{id}` answers, but for its paging. */
export interface LineageBody {
  readonly root: { readonly kind: string; readonly id: string };
  readonly direction: string;
  readonly tree_size: number;
  readonly nodes: readonly {
    readonly kind: string;
    readonly id: string;
    readonly leaf_hash: string | null;
    readonly leaf_index: number | null;
    readonly leaf_url: string | null;
    readonly proof_url: string | null;
    readonly about: Readonly<Record<string, unknown>>;
  }[];
  readonly edges: readonly { readonly effect: string; readonly relation: string; readonly cause: string }[];
  readonly truncated: boolean;
}

/** A lineage as clients and `spendgate lineage` see it: each node with the addresses of its leaf and of that leaf's proof. */
export function lineageBody(
  found: Lineage,
  direction: LineageAsked['direction'],
): Readonly<Record<string, unknown>> & LineageBody {
  return {
    root: found.root,
    direction,
    tree_size: found.treeSize,
    nodes: found.nodes.map(({ kind, id, leafHash, leafIndex, about }) => {
      const hash = leafHash?.toString('base64url') ?? null;
      const isProven = hash !== null && leafIndex !== null;
      return {
        kind,
        id,
        leaf_hash: hash,
        leaf_index: leafIndex,
        leaf_url: isProven ? `/v1/log/leaves/${leafIndex}` : null,
        proof_url: isProven ? `/v1/log/proofs/inclusion?leaf_hash=${hash}&tree_size=${found.treeSize}` : null,
        about,
      };
    }),
    edges: found.edges,
    truncated: found.truncated,
  };
}
