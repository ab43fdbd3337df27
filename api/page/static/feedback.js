// What a reader says of an article is sent, and thanked for, without leaving it.

export function feedback(root) {
  root.addEventListener("submit", async (event) => {
    const form = event.target;
    if (!form.matches("form.feedback")) return;
    event.preventDefault();
    const body = new URLSearchParams(new FormData(form, event.submitter));
    const told = document.createElement("p");
    told.setAttribute("role", "status");
    told.tabIndex = -1;
    form.querySelector("[role=status]")?.remove();
    form.prepend(told);
    try {
      const response = await fetch(form.action, { method: "POST", body });
      if (!response.ok) throw new Error(`It could not be kept (${response.status}). Please try again.`);
      form.replaceChildren(told);
      told.textContent = "Thank you. It is kept for those who review this answer.";
      told.focus();
    } catch (error) {
      told.textContent = error instanceof TypeError ? "The service cannot be reached. Please try again." : error.message;
    }
  });
}
