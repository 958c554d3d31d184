/** The enrolments made in this browser: their links are the only way back to them. */
export interface Mine {
  id: string;
  title: string;
}

const KEY = "enrolments";

export function mine(): Mine[] {
  try {
    return JSON.parse(localStorage.getItem(KEY) ?? "[]");
  } catch {
    return [];
  }
}

export function remember(enrolment: Mine): void {
  const others = mine().filter(({ id }) => id !== enrolment.id);
  try {
    localStorage.setItem(KEY, JSON.stringify([enrolment, ...others].slice(0, 20)));
  } catch {
    // A browser that keeps nothing: the link in the address bar still works.
  }
}
