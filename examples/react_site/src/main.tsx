import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { BrowserRouter, Route, Routes } from "react-router";
import { Layout } from "./components/Layout";
import { Classes } from "./pages/Classes";
import { Enrol } from "./pages/Enrol";
import { EnrolmentPage } from "./pages/Enrolment";
import { NotFound } from "./pages/NotFound";
import "./styles.css";

createRoot(document.getElementById("root")!).render(
  <StrictMode>
    <BrowserRouter>
      <Routes>
        <Route element={<Layout />}>
          <Route index element={<Classes />} />
          <Route path="classes/:id/enrol" element={<Enrol />} />
          <Route path="enrolments/:id" element={<EnrolmentPage />} />
          <Route path="*" element={<NotFound />} />
        </Route>
      </Routes>
    </BrowserRouter>
  </StrictMode>,
);
