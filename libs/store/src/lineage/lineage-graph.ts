/** How one thing depends on another (A43–A48). */
export const LINEAGE_RELATIONS = [
  'authorization_source',
  'execution_origin',
  'inheritance',
  'policy_authority',
  'verification_states',
  'governance_dependencies',
] as const;
export type LineageRelation = (typeof LINEAGE_RELATIONS)[number];

export const LINEAGE_KINDS = [
  'principal',
  'agent',
  'key',
  'policy',
  'baseline',
  'mandate',
  'intent',
  'verification',
  'decision',
  'artifact',
  'settlement',
  'outcome',
  'incident',
] as const;
export type LineageKind = (typeof LINEAGE_KINDS)[number];

/** One thing that was granted, asked, decided, moved or stopped, with the leaf that says so. */
export interface LineageNode {
  readonly kind: LineageKind;
  readonly id: string;
  /** Of its audit leaf; `null`: nothing of its own was logged, or not found. */
  readonly leafHash: Buffer | null;
  /** What is told of it, as the leaf or the row has it. */
  readonly about: Readonly<Record<string, unknown>>;
}

/** `effect` exists because of `cause`. Both as `kind/id`. */
export interface LineageEdge {
  readonly effect: string;
  readonly cause: string;
  readonly relation: LineageRelation;
}

/** A part of the lineage: nodes once each, edges between them. */
export class LineageGraph {
  private readonly nodesByName = new Map<string, LineageNode>();
  private readonly edgesByName = new Map<string, LineageEdge>();

  get nodes(): readonly LineageNode[] {
    return [...this.nodesByName.values()];
  }

  get edges(): readonly LineageEdge[] {
    return [...this.edgesByName.values()].filter(
      ({ effect, cause }) => this.nodesByName.has(effect) && this.nodesByName.has(cause),
    );
  }

  /** The first to name a node tells about it. */
  add(node: LineageNode): string {
    const name = `${node.kind}/${node.id}`;
    if (!this.nodesByName.has(name)) this.nodesByName.set(name, node);
    return name;
  }

  link(effect: string, relation: LineageRelation, cause: string): void {
    this.edgesByName.set(`${effect} ${relation} ${cause}`, { effect, cause, relation });
  }

  has(kind: LineageKind, id: string): boolean {
    return this.nodesByName.has(`${kind}/${id}`);
  }
}
