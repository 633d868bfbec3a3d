/** The part of Python's abstract syntax that scripts use. `line` counts within the snippet, from 1. */
export type PyExpr =
  | { readonly kind: 'constant'; readonly value: number | string | boolean | null }
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'fstring'; readonly parts: readonly (string | FormatPart)[] }
  | { readonly kind: 'list' | 'tuple' | 'set'; readonly items: readonly PyExpr[] }
  | { readonly kind: 'dict'; readonly entries: readonly (readonly [PyExpr, PyExpr])[] }
  | {
      readonly kind: 'comprehension';
      readonly of: 'list' | 'set';
      readonly element: PyExpr;
      readonly target: PyExpr;
      readonly source: PyExpr;
      readonly conditions: readonly PyExpr[];
    }
  | { readonly kind: 'unary'; readonly operator: '-' | '+' | '~' | 'not'; readonly operand: PyExpr }
  | { readonly kind: 'binary'; readonly operator: string; readonly left: PyExpr; readonly right: PyExpr }
  | { readonly kind: 'bool'; readonly operator: 'and' | 'or'; readonly left: PyExpr; readonly right: PyExpr }
  | {
      readonly kind: 'compare';
      readonly first: PyExpr;
      readonly rest: readonly (readonly [string, PyExpr])[];
    }
  | { readonly kind: 'conditional'; readonly test: PyExpr; readonly then: PyExpr; readonly otherwise: PyExpr }
  | {
      readonly kind: 'call';
      readonly target: PyExpr;
      readonly args: readonly PyExpr[];
      readonly keywords: readonly (readonly [string, PyExpr])[];
    }
  | { readonly kind: 'attribute'; readonly object: PyExpr; readonly name: string }
  | { readonly kind: 'index'; readonly object: PyExpr; readonly index: PyExpr }
  | {
      readonly kind: 'slice';
      readonly object: PyExpr;
      readonly from: PyExpr | null;
      readonly to: PyExpr | null;
      readonly step: PyExpr | null;
    }
  | { readonly kind: 'lambda'; readonly parameters: readonly Parameter[]; readonly body: PyExpr };

export interface FormatPart {
  readonly value: PyExpr;
  /** `{x=}`: the source text is printed before the value. */
  readonly label: string;
  readonly conversion: string;
  readonly spec: string;
}

export interface Parameter {
  readonly name: string;
  readonly fallback: PyExpr | null;
}

export type PyStatement = { readonly line: number } & (
  | { readonly kind: 'expression'; readonly value: PyExpr }
  | { readonly kind: 'assign'; readonly targets: readonly PyExpr[]; readonly value: PyExpr }
  | { readonly kind: 'augment'; readonly target: PyExpr; readonly operator: string; readonly value: PyExpr }
  | { readonly kind: 'assert'; readonly test: PyExpr; readonly message: PyExpr | null; readonly text: string }
  | {
      readonly kind: 'if';
      readonly test: PyExpr;
      readonly then: readonly PyStatement[];
      readonly otherwise: readonly PyStatement[];
    }
  | { readonly kind: 'while'; readonly test: PyExpr; readonly body: readonly PyStatement[] }
  | {
      readonly kind: 'for';
      readonly target: PyExpr;
      readonly source: PyExpr;
      readonly body: readonly PyStatement[];
    }
  | {
      readonly kind: 'def';
      readonly name: string;
      readonly parameters: readonly Parameter[];
      readonly body: readonly PyStatement[];
    }
  | {
      readonly kind: 'try';
      readonly body: readonly PyStatement[];
      readonly handlers: readonly Handler[];
      readonly after: readonly PyStatement[];
    }
  | { readonly kind: 'return' | 'raise'; readonly value: PyExpr | null }
  | { readonly kind: 'import'; readonly names: readonly string[] }
  | { readonly kind: 'global'; readonly names: readonly string[] }
  | { readonly kind: 'delete'; readonly targets: readonly PyExpr[] }
  | { readonly kind: 'pass' | 'break' | 'continue' }
);

export interface Handler {
  /** Exception types caught; empty for all. */
  readonly types: readonly string[];
  readonly name: string | null;
  readonly body: readonly PyStatement[];
}
