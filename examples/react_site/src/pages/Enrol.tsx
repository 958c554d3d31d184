import { useEffect, useState, type FormEvent } from "react";
import { Link, useNavigate, useParams } from "react-router";
import { enrol, listClasses, type Course } from "../api";
import { Field } from "../components/Field";
import { Problem } from "../components/Problem";
import { euros } from "../format";
import { useSubmit } from "../useSubmit";
import { useTitle } from "../useTitle";
import { NotFound } from "./NotFound";

export function Enrol() {
  useTitle("Matrícula");
  const classId = Number(useParams().id);
  const navigate = useNavigate();
  const [course, setCourse] = useState<Course | null | undefined>();
  const [name, setName] = useState("");
  const [email, setEmail] = useState("");
  const [phone, setPhone] = useState("");
  const loading = useSubmit(async () => setCourse((await listClasses()).find(({ id }) => id === classId) ?? null));
  const { busy, error, submit } = useSubmit(async () => {
    const { id } = await enrol({ class_id: classId, name, email, phone });
    await navigate(`/enrolments/${id}`);
  });
  useEffect(() => {
    void loading.submit();
  }, [classId]);

  function onSubmit(event: FormEvent): void {
    event.preventDefault();
    void submit();
  }

  if (course === null) {
    return <NotFound />;
  }
  return (
    <>
      <p>
        <Link to="/">← Todas las clases</Link>
      </p>
      <h1>{course?.name ?? "Matrícula"}</h1>
      <Problem error={loading.error} />
      {course && (
        <p className="lead">
          {course.schedule}, con {course.teacher}. {euros(course.fee_cents)}.
        </p>
      )}
      <form onSubmit={onSubmit} aria-label="Matrícula" noValidate className="panel">
        <Problem error={error} />
        <Field label="Nombre y apellidos" errors={error?.fields.name}>
          {(control) => (
            <input
              {...control}
              name="name"
              autoComplete="name"
              required
              value={name}
              onChange={(event) => setName(event.target.value)}
            />
          )}
        </Field>
        <Field label="Correo electrónico" errors={error?.fields.email}>
          {(control) => (
            <input
              {...control}
              name="email"
              type="email"
              autoComplete="email"
              required
              value={email}
              onChange={(event) => setEmail(event.target.value)}
            />
          )}
        </Field>
        <Field label="Teléfono (opcional)" errors={error?.fields.phone}>
          {(control) => (
            <input
              {...control}
              name="phone"
              type="tel"
              autoComplete="tel"
              value={phone}
              onChange={(event) => setPhone(event.target.value)}
            />
          )}
        </Field>
        <button type="submit" disabled={busy || !course}>
          {busy ? "Reservando…" : "Reservar mi plaza"}
        </button>
      </form>
    </>
  );
}
