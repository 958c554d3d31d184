import { useEffect, useRef } from "react";
import { Link, Outlet, useLocation } from "react-router";

export function Layout() {
  const main = useRef<HTMLElement>(null);
  const { pathname } = useLocation();
  const first = useRef(pathname);

  // A new page is announced, and read from its beginning.
  useEffect(() => {
    if (first.current !== pathname) {
      first.current = "";
      window.scrollTo(0, 0);
      main.current?.focus();
    }
  }, [pathname]);

  return (
    <>
      <a className="skip" href="#contenido">
        Saltar al contenido
      </a>
      <header className="top">
        <Link to="/" className="brand">
          <img src="/favicon.svg" alt="" width="32" height="32" />
          Academia Andamio
        </Link>
      </header>
      <main id="contenido" ref={main} tabIndex={-1}>
        <Outlet />
      </main>
      <footer className="bottom">Una academia de ejemplo: ni las clases ni los pagos son de verdad.</footer>
    </>
  );
}
