// The reference implementation of Cedar, in this process (@cedar-policy/cedar-wasm).
import { createRequire } from 'node:module';

const cedar = createRequire(import.meta.url)('@cedar-policy/cedar-wasm/nodejs');

// Its glue calls JSON.stringify on what it is given, which would round integers of 64 bits. An object { __raw: text }
// goes through as it is.
const stringify = JSON.stringify;
JSON.stringify = (value, ...rest) => (value && typeof value.__raw === 'string' ? value.__raw : stringify(value, ...rest));

/** Why a text is no set of policies, or null. */
export function policyFault(text) {
  const answer = cedar.checkParsePolicySet({ staticPolicies: text });
  return answer.type === 'success' ? null : answer.errors.map((one) => one.message).join('; ');
}

/**
 * What the reference says to a request: { decision, determining, errors } with sorted ids, or { failure }. `policies` is
 * text of policies; `request` and `entities` are JSON texts.
 */
export function decide(policies, request, entities, schema) {
  const body = request.trim().replace(/^\{|\}$/g, '');
  const rest = schema === undefined ? '' : `,"schema":${stringify(schema)},"validateRequest":true`;
  const answer = cedar.isAuthorized({
    __raw: `{${body},"entities":${entities},"policies":${stringify({ staticPolicies: policies })}${rest}}`,
  });
  if (answer.type === 'failure') return { failure: answer.errors.map((one) => one.message).join('; ') };
  return {
    decision: answer.response.decision,
    determining: [...answer.response.diagnostics.reason].sort(),
    errors: answer.response.diagnostics.errors.map((one) => one.policyId).sort(),
  };
}

export { cedar };
