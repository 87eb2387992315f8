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
import { resume } from "./login";
import { resumeLogin } from "./resumeLogin";
import { sampleTabs } from "./sampleTabs";

const root = document.getElementById("root");
if (root === null) throw new Error("graphiql.html has no #root element");

// The API takes the same URLs that make a context secure: https, and plain http only on this machine.
const returnUrl = window.isSecureContext ? `${window.location.origin}/graphiql` : undefined;
const samples = sampleTabs(Date.now().toString(36), returnUrl);
const box = createAuthorizationBox(window.sessionStorage);
const log = createEventLog();
const resumed = resumeLogin(box, (email) => resume(email, askAboutLogin));
const { schema, fetcher } = introspected(createFetcher(box, log));
await resumed;
createRoot(root).render(
  <StrictMode>
    <GraphiqlPage box={box} log={log} fetcher={fetcher} firstSchema={await schema} samples={samples} />
  </StrictMode>,
);
