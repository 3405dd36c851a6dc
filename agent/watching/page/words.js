// Numbers and times as people read them.

export function number(value, digits = 4) {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  if (typeof value !== "number") return String(value);
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size >= 1e7 || size < 1e-3) return trimmed(value.toExponential(digits > 3 ? 2 : 1));
  if (Number.isInteger(value)) return String(value);
  return trimmed(value.toPrecision(Math.max(digits, Math.ceil(Math.log10(size)))));
}

function trimmed(text) {
  const [mantissa, power] = text.split("e");
  const short = mantissa.includes(".") ? mantissa.replace(/\.?0+$/, "") : mantissa;
  return power === undefined ? short : `${short}e${Number(power)}`;
}

export function score(value) {
  if (value === null || value === undefined) return "–";
  const size = Math.abs(value);
  if (size >= 1e7) return number(value);
  return value.toFixed(size >= 1000 ? 0 : size >= 100 ? 1 : 2);
}

export function spread(mean, std) {
  if (mean === null || mean === undefined) return "–";
  return std ? `${score(mean)} ± ${score(std)}` : score(mean);
}

export function duration(seconds) {
  if (seconds === null || seconds === undefined || !(seconds >= 0)) return "–";
  if (seconds < 60) return `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s`;
  const whole = Math.round(seconds);
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor((whole % 3600) / 60);
  if (hours >= 48) return `${Math.round(hours / 24)} days`;
  if (hours) return `${hours} h ${String(minutes).padStart(2, "0")}`;
  return `${minutes} min ${String(whole % 60).padStart(2, "0")}`;
}

export function clock(timestamp) {
  const date = new Date(timestamp);
  if (Number.isNaN(date.getTime())) return String(timestamp || "–");
  const time = date.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  if (Date.now() - date < 20 * 3600e3) return time;
  return `${date.toLocaleDateString([], { month: "short", day: "numeric" })} ${time}`;
}

export function count(many, thing) {
  return `${many.toLocaleString("en")} ${thing}${many === 1 ? "" : "s"}`;
}

export const STATUS = {
  ok: "done",
  running: "running",
  pruned: "pruned",
  timeout: "time out",
  crashed: "crashed",
  sim_lost: "simulator lost",
  diverged: "diverged",
  out_of_memory: "out of memory",
  interrupted: "interrupted",
  lost: "node lost",
};

export function status(word) {
  return STATUS[word] ?? String(word);
}
