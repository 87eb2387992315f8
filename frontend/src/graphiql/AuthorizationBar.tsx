import { useId, useState, useSyncExternalStore } from "react";

import { readAuthorization } from "./authorization";
import type { AuthorizationBox } from "./authorizationBox";
import { authorizationStatus } from "./authorizationStatus";
import { askAboutLogin } from "../gateway";
import { LoginForm } from "../login/LoginForm";
import { useNow } from "./useNow";

const LOGIN_HINT = (
  <>
    Fills the box above. Or run the <code>login</code> mutation and paste its <code>accessToken</code>.{" "}
    <a href="/account/reset-password">Forgot your password?</a> <a href="/account/passkeys">Your passkeys</a>
  </>
);

interface AuthorizationBarProps {
  readonly box: AuthorizationBox;
  readonly hasLogin: boolean;
  readonly onLogOut: () => void;
}

/** The bar above the editor: the token that goes with every request, whose it is, and, if the API has one, a way to get one. */
export function AuthorizationBar({ box, hasLogin, onLogOut }: AuthorizationBarProps) {
  const { text, email } = useSyncExternalStore(box.subscribe, box.read);
  const [formOpen, setFormOpen] = useState(text === "");
  const status = authorizationStatus(readAuthorization(text), email, useNow(5000));
  const inputId = useId();
  const formId = useId();

  return (
    <header className="authorization-bar">
      <div className="authorization-row">
        <label htmlFor={inputId}>Authorization</label>
        <input
          id={inputId}
          className="token"
          value={text}
          onChange={(event) => box.fill({ text: event.target.value, email: null })}
          placeholder="Paste an access token, with or without “Bearer”"
          autoComplete="off"
          spellCheck={false}
        />
        {text !== "" && email === null && (
          <button type="button" onClick={box.clear}>
            Remove
          </button>
        )}
        {text !== "" && email !== null && (
          <button type="button" onClick={onLogOut}>
            Log out
          </button>
        )}
        <output className={`status ${status.tone}`} htmlFor={inputId}>
          {status.text}
        </output>
        {hasLogin && (
          <button
            type="button"
            aria-expanded={formOpen}
            aria-controls={formId}
            onClick={() => setFormOpen(!formOpen)}
          >
            {formOpen ? "Close login" : "Log in…"}
          </button>
        )}
      </div>
      {hasLogin && (
        <div id={formId} hidden={!formOpen}>
          <LoginForm
            ask={askAboutLogin}
            button="Log in"
            hint={LOGIN_HINT}
            onLogin={({ accessToken, email: owner }) => {
              box.fill({ text: accessToken, email: owner });
              setFormOpen(false);
            }}
          />
        </div>
      )}
    </header>
  );
}
