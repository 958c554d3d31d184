import { useEffect, useState } from "react";
import { Link } from "react-router";
import { listClasses, type Course } from "../api";
import { Problem } from "../components/Problem";
import { euros } from "../format";
import { mine } from "../mine";
import { useSubmit } from "../useSubmit";
import { useTitle } from "../useTitle";

function seats({ seats, seats_left: left }: Course): string {
  return left === 0 ? "Sin plazas" : `${left === 1 ? "Queda" : "Quedan"} ${left} de ${seats} plazas`;
}

export function Classes() {
  useTitle("Clases");
  const [classes, setClasses] = useState<Course[] | null>(null);
  const { error, submit } = useSubmit(async () => setClasses(await listClasses()));
  useEffect(() => {
    void submit();
  }, []);
  const enrolments = mine();

  return (
    <>
      <h1>Clases de este curso</h1>
      <p className="lead">Elige una clase, reserva tu plaza y guarda aquí tus pagos y justificantes.</p>
      <Problem error={error} />
      {!classes && !error && <p className="muted">Cargando las clases…</p>}
      {classes && (
        <ul className="cards">
          {classes.map((course) => (
            <li key={course.id} className="card">
              <h2>{course.name}</h2>
              <p className="muted">Con {course.teacher}</p>
              <p>{course.schedule}</p>
              <p className="card-foot">
                <strong>{euros(course.fee_cents)}</strong>
                {course.seats_left > 0 ? (
                  <Link className="button" to={`/classes/${course.id}/enrol`} aria-label={`Matricularme en ${course.name}`}>
                    Matricularme
                  </Link>
                ) : (
                  <span className="muted">Completa</span>
                )}
              </p>
              <p className="seats">{seats(course)}</p>
            </li>
          ))}
        </ul>
      )}
      {enrolments.length > 0 && (
        <section aria-labelledby="mias">
          <h2 id="mias">Mis matrículas</h2>
          <ul>
            {enrolments.map(({ id, title }) => (
              <li key={id}>
                <Link to={`/enrolments/${id}`}>{title}</Link>
              </li>
            ))}
          </ul>
        </section>
      )}
    </>
  );
}
