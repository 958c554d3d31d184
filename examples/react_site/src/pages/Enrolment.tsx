import { useCallback, useEffect, useState } from "react";
import { Link, useParams } from "react-router";
import { ApiError, getEnrolment, type Enrolment } from "../api";
import { PaymentForm } from "../components/PaymentForm";
import { PaymentItem } from "../components/PaymentItem";
import { Problem } from "../components/Problem";
import { euros } from "../format";
import { remember } from "../mine";
import { useTitle } from "../useTitle";

const POLL_MS = 2000;

export function EnrolmentPage() {
  const { id = "" } = useParams();
  const [enrolment, setEnrolment] = useState<Enrolment | null>(null);
  const [error, setError] = useState<ApiError | null>(null);
  useTitle(enrolment?.class.name ?? "Matrícula");

  const load = useCallback(async () => {
    try {
      const found = await getEnrolment(id);
      remember({ id: found.id, title: `${found.class.name}, ${found.student.name}` });
      setEnrolment(found);
      setError(null);
    } catch (caught) {
      setError(caught as ApiError);
    }
  }, [id]);

  useEffect(() => {
    setEnrolment(null);
    void load();
  }, [load]);

  // The confirmation and the invoices are made by the queue, a moment later.
  const waiting = enrolment && (enrolment.notices.length === 0 || enrolment.payments.some(({ invoice }) => !invoice));
  useEffect(() => {
    if (waiting) {
      const timer = setTimeout(() => void load(), POLL_MS);
      return () => clearTimeout(timer);
    }
  }, [enrolment, waiting, load]);

  if (!enrolment) {
    return (
      <>
        <h1>Matrícula</h1>
        <Problem error={error} />
        {error ? <Link to="/">Ver las clases</Link> : <p className="muted">Cargando la matrícula…</p>}
      </>
    );
  }
  return (
    <>
      <p>
        <Link to="/">← Todas las clases</Link>
      </p>
      <h1>{enrolment.class.name}</h1>
      <p className="lead">
        {enrolment.student.name} · {enrolment.class.schedule}, con {enrolment.class.teacher}
      </p>
      <Problem error={error} />
      <p className="panel note">
        La dirección de esta página es tu llave: guárdala. Quien la tenga verá esta matrícula y sus documentos.
      </p>

      <section aria-labelledby="pagos">
        <h2 id="pagos">Pagos</h2>
        {enrolment.payments.length === 0 && <p className="muted">Todavía no hay pagos.</p>}
        <ul className="payments">
          {enrolment.payments.map((payment) => (
            <PaymentItem key={payment.id} payment={payment} onChange={load} />
          ))}
        </ul>
      </section>

      <div className="panel">
        {enrolment.balance_cents > 0 ? (
          <PaymentForm key={enrolment.balance_cents} enrolment={enrolment} onPaid={load} />
        ) : (
          <p>Todo pagado: {euros(enrolment.class.fee_cents)}. ¡Gracias!</p>
        )}
      </div>

      <section aria-labelledby="avisos">
        <h2 id="avisos">Avisos</h2>
        <ul aria-live="polite" className="notices">
          {enrolment.notices.map(({ body }) => (
            <li key={body}>{body}</li>
          ))}
        </ul>
      </section>
    </>
  );
}
