import "./monacoWorkers";
import "graphiql/style.css";
import "@graphiql/plugin-explorer/style.css";
import "./page.css";

import { StrictMode } from "react";
import { createRoot } from "react-dom/client";

import { createAuthorizationBox } from "./authorizationBox";
import { createFetcher } from "./gateway";
import { GraphiqlPage } from "./GraphiqlPage";
import { sampleTabs } from "./sampleTabs";

const root = document.getElementById("root");
if (root === null) throw new Error("graphiql.html has no #root element");

const box = createAuthorizationBox(window.sessionStorage);
createRoot(root).render(
  <StrictMode>
    <GraphiqlPage box={box} fetcher={createFetcher(box)} tabs={sampleTabs(Date.now().toString(36))} />
  </StrictMode>,
);
