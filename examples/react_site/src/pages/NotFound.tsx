import { Link } from "react-router";
import { useTitle } from "../useTitle";

export function NotFound() {
  useTitle("No encontrado");
  return (
    <>
      <h1>Aquí no hay nada</h1>
      <p>
        La dirección no existe. <Link to="/">Ver las clases</Link>
      </p>
    </>
  );
}
