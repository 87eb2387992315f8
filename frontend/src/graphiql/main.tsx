import "./monacoWorkers";
import "graphiql/style.css";
import "@graphiql/plugin-explorer/style.css";
import "../palette.css";
import "./page.css";

import { StrictMode } from "react";
import { createRoot } from "react-dom/client";

import { askAboutLogin } from "../gateway";
import { createAuthorizationBox } from "./authorizationBox";
import { createEventLog } from "./eventLog";
import { createFetcher } from "./fetcher";
import { GraphiqlPage } from "./GraphiqlPage";
import { introspected } from "./introspection";
import { keepLogin } from "./keepLogin";
import { logOut, resume } from "../login/login";
import { shareLogouts } from "./shareLogouts";
import { resumeLogin } from "./resumeLogin";
import { sampleTabs } from "./sampleTabs";

const root = document.getElementById("root");
if (root === null) throw new Error("graphiql.html has no #root element");

// The API takes the same URLs that make a context secure: https, and plain http only on this machine.
const returnUrl = window.isSecureContext ? `${window.location.origin}/graphiql` : undefined;
const samples = sampleTabs(Date.now().toString(36), returnUrl);
const box = createAuthorizationBox(window.sessionStorage);
const log = createEventLog();
const resumeOf = (email: string) => resume(email, askAboutLogin);
const resumed = resumeLogin(box, resumeOf);
const { schema, fetcher } = introspected(createFetcher(box, log));
await resumed;

const renewIfDue = keepLogin(box, resumeOf);
// A timer alone would be late after a sleep, and in a tab that nobody looks at.
window.setInterval(renewIfDue, 5000);
document.addEventListener("visibilitychange", renewIfDue);
window.addEventListener("online", renewIfDue);

const tellOthers = shareLogouts(box, new BroadcastChannel("graphiql-page:logouts"));

function endLogin(): void {
  const { text, email } = box.read();
  box.clear();
  tellOthers(text);
  if (email !== null) void logOut(text, email, askAboutLogin);
}

createRoot(root).render(
  <StrictMode>
    <GraphiqlPage
      box={box}
      log={log}
      fetcher={fetcher}
      firstSchema={await schema}
      samples={samples}
      onLogOut={endLogin}
    />
  </StrictMode>,
);
