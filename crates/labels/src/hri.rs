//! The human-readable interpretation: element strings, broken only between each other
//! (GS1 General Specifications, section 4.14).

use std::ops::Range;

use crate::block::{ASCENT, Group, Run, Sizes, steps};
use crate::glyphs::Glyphs;
use crate::job::{Job, SampleElement};
use crate::limits::MIN_TEXT_PT;

/// Space between element strings on one line, in units of the size.
const BETWEEN: f32 = 0.9;

/// The place of the HRI on every label of a job. Lengths are points, `y` downwards.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct HriArea {
    pub(crate) x: f32,
    pub(crate) y: f32,
    pub(crate) width: f32,
    /// Largest size of the texts.
    pub(crate) size: f32,
    /// How many lines there are.
    pub(crate) lines: usize,
    /// Whether a line may hold several element strings.
    pub(crate) packed: bool,
    /// Distance of baselines in units of the size.
    pub(crate) leading: f32,
    /// Which element strings of a label stand here.
    pub(crate) elements: Range<usize>,
}

impl HriArea {
    /// Sets the element strings of a label; `None` if they do not fit even at the least size.
    pub(crate) fn set(&self, elements: &[&str], glyphs: &Glyphs) -> Option<Vec<Run>> {
        let end = self.elements.end.min(elements.len());
        let elements = elements.get(self.elements.start.min(end)..end)?;
        let widths: Vec<f32> = elements
            .iter()
            .map(|element| glyphs.width(element))
            .collect();
        steps(self.size, MIN_TEXT_PT).find_map(|size| {
            let places = flow(&widths, self.width / size, self.packed)?;
            let lines = places.last().map_or(0, |place| place.0 + 1);
            (lines <= self.lines).then(|| self.runs(elements, &places, size))
        })
    }

    fn runs(&self, elements: &[&str], places: &[(usize, f32)], size: f32) -> Vec<Run> {
        let run = |(element, (line, x)): (&&str, &(usize, f32))| Run {
            x: self.x + x * size,
            // Lines stay where they are if the texts have to be smaller.
            y: self.y + ASCENT * self.size + *line as f32 * self.size * self.leading,
            size,
            text: (*element).to_owned(),
        };
        elements.iter().zip(places).map(run).collect()
    }
}

/// Line and `x` of each element string, in units of the size; `None` if one is wider than `width`.
fn flow(widths: &[f32], width: f32, packed: bool) -> Option<Vec<(usize, f32)>> {
    let mut places = Vec::with_capacity(widths.len());
    let (mut line, mut end) = (0, 0.0_f32);
    for (index, element) in widths.iter().enumerate() {
        if *element > width {
            return None;
        }
        let follows = index > 0 && packed && end + BETWEEN + element <= width;
        let x = if follows { end + BETWEEN } else { 0.0 };
        line += usize::from(index > 0 && !follows);
        places.push((line, x));
        end = x + element;
    }
    Some(places)
}

/// The group of some element strings of the HRI: as many lines as the sample takes at the wished
/// size, if the widest label fits them at the least size.
pub(crate) fn hri(
    (job, range): (&Job, Range<usize>),
    glyphs: &Glyphs,
    width: f32,
    sizes: &Sizes,
    packed: bool,
) -> Option<Group> {
    let elements = job.sample.elements.get(range.clone())?;
    if elements.is_empty() {
        return Some(Group::default());
    }
    let sample: Vec<f32> = elements.iter().map(|e| glyphs.width(e.text())).collect();
    let widest: Vec<f32> = elements.iter().map(|e| widest(e, glyphs)).collect();
    let least = flow(&widest, width / MIN_TEXT_PT, packed)?;
    let fits = |size: &f32| flow(&sample, width / size, packed).is_some();
    let size = steps(sizes.hri, MIN_TEXT_PT).find(fits)?;
    let wished = flow(&sample, width / size, packed)?;
    let lines = least.last()?.0.max(wished.last()?.0) + 1;
    let area = HriArea {
        x: 0.0,
        y: 0.0,
        width,
        size,
        lines,
        packed,
        leading: sizes.leading,
        elements: range,
    };
    Some(Group {
        height: size + (lines - 1) as f32 * size * sizes.leading,
        hri: vec![area],
        ..Group::default()
    })
}

fn widest(element: &SampleElement, glyphs: &Glyphs) -> f32 {
    match element {
        SampleElement::Fixed(text) => glyphs.width(text),
        SampleElement::Varying(text) => glyphs.width(&glyphs.widest(text)),
    }
}
