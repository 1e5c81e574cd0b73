// Names beside points: each is placed where it covers no other name and no point, or left out.

const SIDES = { "top right": [1, -1], "bottom right": [1, 1], "top left": [-1, -1], "bottom left": [-1, 1], "top center": [0, -1], "bottom center": [0, 1] };
const LETTER = 6.6, HEIGHT = 15, GAP = 7;  // approximate pixels

// A side for each name, null for those without room; `at` and `others` are in pixels: the points, and all that must stay free.
function labelSides(names, at, others, width, height) {
  const taken = others.map(([x, y]) => [x - GAP, y - GAP, x + GAP, y + GAP]);
  return names.map((name, number) => {
    for (const [side, [along, up]] of Object.entries(SIDES)) {
      const box = labelBox(at[number], along, up, name.length * LETTER);
      const inside = box[0] >= 0 && box[1] >= 0 && box[2] <= width && box[3] <= height;
      if (inside && !taken.some((other) => overlap(box, other))) {
        taken.push(box);
        return side;
      }
    }
    return null;
  });
}

function labelBox([x, y], along, up, wide) {
  const left = along > 0 ? x + 1 : along < 0 ? x - wide - 1 : x - wide / 2;
  const top = up < 0 ? y - GAP - HEIGHT : y + GAP;
  return [left, top, left + wide, top + HEIGHT];
}

const overlap = (a, b) => a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3];
