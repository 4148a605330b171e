// The window as it is now: its size in CSS pixels, how fine its screen is and what points at it; nothing else is read.
export default function ({ data, parentElement, setStateValue }) {
  const line = parentElement.querySelector(".device");
  const fits = (query) => matchMedia(query).matches;
  const measure = () => {
    const found = {
      width: window.innerWidth,
      height: window.innerHeight,
      pixel_ratio: Math.round(100 * window.devicePixelRatio) / 100,
      pointer: fits("(any-pointer: fine)") ? "fine" : fits("(any-pointer: coarse)") ? "coarse" : "none",
      asked: data.asked,
    };
    line.textContent = data.words.measured.replace("{width}", found.width).replace("{height}", found.height);
    setStateValue("found", found);
  };
  if (parentElement.asked !== data.asked) {
    parentElement.asked = data.asked;
    measure();
  }
}
