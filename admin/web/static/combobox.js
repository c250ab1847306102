// A text field that offers a list, by the keyboard as by the pointer (WAI-ARIA: combobox with list).

export class Combobox {
  constructor(element, { fits, chosen }) {
    this.input = element.querySelector("input");
    this.list = element.querySelector("[role=listbox]");
    this.options = [...this.list.querySelectorAll("[role=option]")];
    this.fits = fits;
    this.chosen = chosen;
    this.value = null;
    this.active = null;
    this.input.addEventListener("input", () => { this.pick(null); this.open(); });
    this.input.addEventListener("click", () => this.open());
    this.input.addEventListener("keydown", (event) => this.key(event));
    this.input.addEventListener("blur", () => this.leave());
    // Before the field loses the focus, which would close the list.
    this.list.addEventListener("pointerdown", (event) => event.preventDefault());
    this.list.addEventListener("click", (event) => {
      const option = event.target.closest("[role=option]");
      if (option) this.choose(option);
    });
  }

  get text() { return this.input.value.trim(); }

  get shown() { return this.options.filter((option) => !option.hidden); }

  filter() {
    const words = this.value ? [] : this.text.toLowerCase().split(/\s+/);
    for (const option of this.options) {
      const text = `${option.textContent} ${option.dataset.value}`.toLowerCase();
      option.hidden = !this.fits(option) || !words.every((word) => text.includes(word));
    }
  }

  open() {
    this.filter();
    const any = this.shown.length > 0;
    this.list.hidden = !any;
    this.input.setAttribute("aria-expanded", String(any));
    if (!any || (this.active && this.active.hidden)) this.point(null);
  }

  close() {
    this.list.hidden = true;
    this.input.setAttribute("aria-expanded", "false");
    this.point(null);
  }

  // What was typed whole counts as chosen.
  leave() {
    this.close();
    if (this.value || !this.text) return;
    const typed = this.text.toLowerCase();
    const same = (option) => [option.dataset.name.toLowerCase(), option.dataset.value].includes(typed);
    const option = this.options.find((candidate) => this.fits(candidate) && same(candidate));
    if (option) this.choose(option);
  }

  key(event) {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (this.list.hidden) this.open();
      this.move(event.key === "ArrowDown" ? 1 : -1);
    } else if (event.key === "Enter" && this.active) {
      event.preventDefault();
      this.choose(this.active);
    } else if (event.key === "Escape" && !this.list.hidden) {
      event.preventDefault();
      event.stopPropagation();
      this.close();
    }
  }

  move(step) {
    const shown = this.shown;
    if (!shown.length) return;
    const at = shown.indexOf(this.active);
    const from = at < 0 && step < 0 ? 0 : at;
    this.point(shown[(from + step + shown.length) % shown.length]);
  }

  point(option) {
    this.active?.setAttribute("aria-selected", "false");
    this.active = option;
    if (!option) {
      this.input.removeAttribute("aria-activedescendant");
      return;
    }
    option.setAttribute("aria-selected", "true");
    this.input.setAttribute("aria-activedescendant", option.id);
    option.scrollIntoView({ block: "nearest" });
  }

  choose(option) {
    this.input.value = option.dataset.name;
    this.close();
    this.pick(option);
  }

  pick(option) {
    this.value = option ? option.dataset.value : null;
    this.chosen(option);
  }

  clear() {
    this.input.value = "";
    this.pick(null);
  }
}
