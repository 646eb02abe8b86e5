// Which window of this browser is the agent's phone: one of them, by a lock of the browser's that goes with its window.

const LOCK = "warmline.phone";

export class Window {
  #has = false;
  #waiting = null;

  // Whether this window has the lock. Where a browser has none, every window does.
  get isPhones() {
    return this.#has || !navigator.locks;
  }

  // Takes the lock from the window that has it.
  take() {
    this.#waiting?.abort();
    return this.isPhones ? Promise.resolve() : this.#ask({ steal: true });
  }

  // Resolves once no other window has the lock: at once in a page that is loaded anew, in a copy of it when that is closed.
  wait() {
    if (this.isPhones) return Promise.resolve();
    this.#waiting?.abort();
    this.#waiting = new AbortController();
    return this.#ask({ signal: this.#waiting.signal });
  }

  // It is kept for as long as there is the window, or until another one takes it.
  #ask(options) {
    return new Promise((resolve, reject) => {
      let was = false;
      const held = () => {
        was = this.#has = true;
        resolve();
        return new Promise(() => {});
      };
      navigator.locks.request(LOCK, options, held).catch((error) => {
        // Taken by another window, or not waited for any more.
        if (was) this.#has = false;
        reject(error);
      });
    });
  }
}

// What is said of a talk that is heard elsewhere, or nowhere: {title, words}; null when it is heard here.
export function whereHeard({ call, desk, isOn, wasTaken }) {
  const talks = call.phase !== "ringing" && call.phase !== "wrap_up";
  const byTelephone = desk.telephones > 0 && !(wasTaken && desk.page !== null);
  if (!talks || isOn || desk.state === null || byTelephone) return null;
  const name = call.caller.name || call.caller.number || "the caller";
  if (desk.page === "up") return { title: "You are not on the line here", words: `Another window of yours is the phone: ${name} hears you there.` };
  return { title: "You are not on the line", words: `Nobody hears ${name}. The call goes to somebody else if no phone of yours is back within half a minute.` };
}
