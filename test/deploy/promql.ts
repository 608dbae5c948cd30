/**
 * Reads PromQL with the grammar of Prometheus' own editor, and tells what an expression speaks of: metrics, how each is used, labels
 * and their values. It must never guess: what the grammar doesn't know is an error.
 */
import type { SyntaxNode } from "@lezer/common";
import { parser } from "@prometheus-io/lezer-promql";

export interface Matcher {
  readonly label: string;
  readonly operator: string;
  readonly value: string;
}

/** One metric in an expression. */
export interface Selector {
  readonly metric: string;
  readonly matchers: readonly Matcher[];
  /** Whether it is taken over a time, as a function of counters needs it. */
  readonly isRange: boolean;
  /** The functions around it, the innermost first. */
  readonly functions: readonly string[];
  /** The labels by which the aggregations around it group, the innermost first. */
  readonly groupings: readonly (readonly string[])[];
}

/** @throws {SyntaxError} when it is no PromQL. */
export function selectorsOf(expression: string): readonly Selector[] {
  const tree = parser.parse(expression);
  const textOf = ({ from, to }: SyntaxNode): string => expression.slice(from, to);
  const selectors: Selector[] = [];
  tree.iterate({
    enter: ({ type, node, from }) => {
      if (type.isError) {
        throw new SyntaxError(`no PromQL at ${from}: ${expression.slice(from, from + 40)}`);
      }
      if (type.name !== "VectorSelector") return;
      const metric = node.getChild("Identifier");
      if (metric === null) throw new SyntaxError(`a selector without a metric: ${textOf(node)}`);
      const list = node.getChild("LabelMatchers");
      const matchers = list?.getChildren("UnquotedLabelMatcher") ?? [];
      if (matchers.length !== childrenOf(list).length) {
        throw new SyntaxError(`a matcher of a form that isn't known here: ${textOf(node)}`);
      }
      const around = ancestorsOf(node);
      selectors.push({
        metric: textOf(metric),
        matchers: matchers.map((matcher) => matcherOf(matcher, textOf)),
        isRange: node.parent?.name === "MatrixSelector",
        functions: around.flatMap((each) =>
          each.name === "FunctionCall" ? [textOf(childOf(each, "FunctionIdentifier"))] : [],
        ),
        groupings: around.flatMap((each) => {
          if (each.name !== "AggregateExpr") return [];
          const labels = each.getChild("AggregateModifier")?.getChild("GroupingLabels");
          return [(labels?.getChildren("LabelName") ?? []).map(textOf)];
        }),
      });
    },
  });
  if (selectors.length === 0) throw new SyntaxError(`it speaks of nothing: ${expression}`);
  return selectors;
}

function ancestorsOf(node: SyntaxNode): readonly SyntaxNode[] {
  return node.parent === null ? [] : [node.parent, ...ancestorsOf(node.parent)];
}

/** The nodes under a node, in order. */
export function childrenOf(node: SyntaxNode | null): readonly SyntaxNode[] {
  const children: SyntaxNode[] = [];
  for (let child = node?.firstChild ?? null; child !== null; child = child.nextSibling) {
    children.push(child);
  }
  return children;
}

/** @throws {SyntaxError} when the grammar has changed. */
function childOf(node: SyntaxNode, name: string): SyntaxNode {
  const child = node.getChild(name);
  if (child === null) throw new SyntaxError(`a ${node.name} without a ${name}`);
  return child;
}

function matcherOf(matcher: SyntaxNode, textOf: (node: SyntaxNode) => string): Matcher {
  return {
    label: textOf(childOf(matcher, "LabelName")),
    operator: textOf(childOf(matcher, "MatchOp")),
    value: textOf(childOf(matcher, "StringLiteral")).slice(1, -1),
  };
}
