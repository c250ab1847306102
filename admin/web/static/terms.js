// What hints name by a command of the terminal is on the page as well, under a name of its own.

// By command: what stands after “run”, after “with”, and by itself; then where it is on the page.
const TERMS = {
  "agent grant": ["tick it on the agent’s page", "on the agent’s page", "a tick on the agent’s page"],
  "agent list": ["look under Agents", "under Agents", "the Agents tab"],
  "agent rotate": ["revoke them on its page", "on its page", "revoking each on its page"],
  "agent tokens": ["look at its page", "on its page", "its page"],
  "approvals": ["look under Approvals", "under Approvals", "the Approvals tab"],
  "connector confirm": ["press “Send it there”", "with “Send it there”", "“Send it there”", "[data-confirms]"],
  "connector connect": ["press Connect", "with Connect", "Connect", "#connection [data-way]"],
  "connector disconnect": ["press Disconnect", "with Disconnect", "Disconnect"],
  "connector enable": ["switch it on", "with the switch at the top", "the switch at the top", "[role=switch]"],
  "connector list": ["look under Connectors", "under Connectors", "the Connectors tab"],
  "connector set": ["paste it into its field", "in its field", "its field", "[data-secret] [data-typed]"],
  "connector set --client-id": ["fill in the Client ID", "in its field", "its field", '[data-field="client_id"] input'],
  "connector show": ["look at its page", "on its page", "its page"],
  "logs": ["look under Activity", "under Activity", "the Activity tab"],
};
const COMMAND = /(run |with )?`keyhatch ([a-z-]+(?: [a-z-]+)?)([^`]*)`/g;
const FORMS = { "run ": 0, "with ": 1 };
const BY_ITSELF = 2;
const WHERE = 3;

function termOf(command, rest) {
  const option = rest.match(/ (--client-id)/);
  return (option && TERMS[`${command} ${option[1]}`]) || TERMS[command] || TERMS[command.split(" ")[0]];
}

// A hint in the words of the page. What only a terminal can do keeps its command.
export function inPageTerms(text) {
  return text.replace(", in a terminal with --path", "").replace(COMMAND, (whole, before, command, rest) => {
    const term = termOf(command, rest);
    return term ? term[FORMS[before] ?? BY_ITSELF] : whole;
  });
}

// The part of this page that a hint leads to; null where it leads elsewhere.
export function placeOf(hint) {
  for (const [, , command, rest] of hint.matchAll(COMMAND)) {
    const where = termOf(command, rest)?.[WHERE];
    if (where) return document.querySelector(where);
  }
  return null;
}
