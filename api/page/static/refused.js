// What the service refuses of a form, said beside the field that is wrong.

export class Refused extends Error {
  constructor(message, fields) {
    super(message);
    this.fields = fields;
  }
}

/** The problem that a response tells of. */
export async function problemOf(response) {
  try {
    const { detail, errors } = await response.json();
    return new Refused(detail, errors.map(({ where }) => where.replace("body.", "")));
  } catch {
    return new Error(`The service answered with ${response.status}.`);
  }
}

/** Says it beside the first wrong field that the form has, and leads there. Whether there is one. */
export function refuse(form, error) {
  const name = error.fields?.find((field) => form.elements[field]?.labels?.length);
  if (!name) return false;
  const field = form.elements[name];
  const said = Object.assign(document.createElement("span"), { id: "wrong", className: "wrong" });
  said.textContent = error.message;
  (form.closest(".fill") ? form.lastElementChild : (field.closest(".unit") ?? field)).after(said);
  field.setAttribute("aria-invalid", "true");
  field.setAttribute("aria-describedby", said.id);
  field.closest("details")?.setAttribute("open", "");
  field.focus();
  return true;
}

/** Takes back what was said before. */
export function settle(form) {
  document.getElementById("wrong")?.remove();
  for (const field of form.querySelectorAll("[aria-invalid]")) {
    field.removeAttribute("aria-invalid");
    field.removeAttribute("aria-describedby");
  }
}
