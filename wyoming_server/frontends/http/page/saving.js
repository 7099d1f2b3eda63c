// A file for the person's own disk.

const READ = 30000; // milliseconds that a browser has to take the file

export function save(file, ending) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(file);
  link.download = `herald-${new Date().toISOString().slice(0, 19).replace(/\D/g, "")}.${ending}`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), READ);
}
