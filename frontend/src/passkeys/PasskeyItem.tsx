import { useState } from "react";

import { ActionForm } from "../account/ActionForm";
import type { ActionOutcome } from "../account/actionOutcome";
import type { Passkey } from "./passkeys";

interface PasskeyItemProps {
  readonly passkey: Passkey;
  readonly isOnlyOne: boolean;
  readonly remove: () => Promise<ActionOutcome>;
}

/** One passkey, and the way to remove it, which asks once more. */
export function PasskeyItem({ passkey, isOnlyOne, remove }: PasskeyItemProps) {
  const { name, createdAt, lastUsedAt } = passkey;
  const [asking, setAsking] = useState<"notYet" | "now" | "before">("notYet");
  return (
    <li>
      <div>
        <strong>{name}</strong>
        <p className="hint">
          Added <Day at={createdAt} />, {lastUsedAt === null ? "not used yet" : <>last used <Moment at={lastUsedAt} /></>}
        </p>
      </div>
      {asking === "now" ? (
        <div className="question" role="group" aria-label={`Remove ${name}?`}>
          <p>{isOnlyOne ? `${QUESTION} ${ONLY_ONE}` : QUESTION}</p>
          <ActionForm button="Remove it" act={remove} onEnd={() => {}} />
          <button type="button" className="quiet" autoFocus onClick={() => setAsking("before")}>
            Keep it
          </button>
        </div>
      ) : (
        <button
          type="button"
          className="quiet"
          aria-label={`Remove ${name}`}
          autoFocus={asking === "before"}
          onClick={() => setAsking("now")}
        >
          Remove
        </button>
      )}
    </li>
  );
}

const QUESTION = "Remove it? It does not log you in any more then.";
const ONLY_ONE = "It is your only one: unless you have an authenticator app, your password alone logs you in again.";

const DAY = new Intl.DateTimeFormat(undefined, { dateStyle: "medium" });
const MOMENT = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

function Day({ at }: { at: string }) {
  return <time dateTime={at}>{DAY.format(new Date(at))}</time>;
}

function Moment({ at }: { at: string }) {
  return <time dateTime={at}>{MOMENT.format(new Date(at))}</time>;
}
