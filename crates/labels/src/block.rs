//! Groups of text that belong together: the names, the lines, the HRI, the frame of the hidden code.
//!
//! A group is set for a width and knows its height. Lengths are points; `y` runs downwards from the
//! upper edge of the group, and later of the label.

use crate::glyphs::Glyphs;
use crate::hri::HriArea;
use crate::job::{Job, Line};
use crate::limits::{MIN_HIDDEN_PT, MIN_NAME_PT, MIN_TEXT_PT};
use crate::wrap::{Wrapped, balanced, wrap};

/// Font sizes of the groups, in points.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sizes {
    pub(crate) name: f32,
    pub(crate) other: f32,
    pub(crate) line: f32,
    pub(crate) hri: f32,
    pub(crate) caption: f32,
    pub(crate) hidden: f32,
    /// Space between groups.
    pub(crate) gap: f32,
    /// Distance of baselines of small print, in units of its size.
    pub(crate) leading: f32,
}

impl Sizes {
    /// The sizes that go with a product name of `name` points, none below its least; `ease` is 1
    /// for comfortable distances and 0 for the least.
    pub(crate) fn of(name: f32, ease: f32) -> Self {
        Self {
            name: name.max(MIN_NAME_PT),
            other: (name * 0.7).max(MIN_NAME_PT),
            line: (name * 0.66).max(MIN_TEXT_PT),
            hri: (name * 0.6).max(MIN_TEXT_PT),
            caption: (name * 0.55).max(MIN_TEXT_PT),
            hidden: name.max(MIN_HIDDEN_PT),
            gap: (name * 0.5).max(3.2) * (0.6 + 0.4 * ease),
            leading: 1.18 + 0.16 * ease,
        }
    }
}

/// How many lines the names may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NameLines {
    pub(crate) name: usize,
    pub(crate) other: usize,
}

/// A text at its place: `x` of its left end, `y` of its baseline.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Run {
    pub(crate) x: f32,
    pub(crate) y: f32,
    pub(crate) size: f32,
    pub(crate) text: String,
}

/// The framed place of the hidden code.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Frame {
    pub(crate) x: f32,
    pub(crate) y: f32,
    pub(crate) width: f32,
    pub(crate) height: f32,
    /// Largest size of the code in points.
    pub(crate) size: f32,
}

impl Frame {
    /// Room that the code may take between the sides of the frame.
    pub(crate) fn inner_width(&self) -> f32 {
        self.width - self.size
    }
}

/// A group set for a width.
#[derive(Debug, Clone, Default)]
pub(crate) struct Group {
    pub(crate) height: f32,
    pub(crate) runs: Vec<Run>,
    pub(crate) hri: Vec<HriArea>,
    pub(crate) frame: Option<Frame>,
    /// Whether a name had to be cut off.
    pub(crate) cut: bool,
    /// How many characters of the names are shown.
    pub(crate) kept: usize,
}

/// The baseline lies this far below the upper edge of a line, in units of its size: an ideograph
/// fills its square from 0.88 above the baseline to 0.12 below it.
pub(crate) const ASCENT: f32 = 0.88;
/// Distance of baselines of names, in units of their size.
const NAME_LEADING: f32 = 1.2;

impl Group {
    /// Appends lines of text below what is there; `lead` in points.
    fn add_lines(&mut self, lines: Vec<String>, size: f32, lead: f32, space_before: f32) {
        let mut top = if self.height > 0.0 {
            self.height + space_before
        } else {
            0.0
        };
        for text in lines {
            let y = top + ASCENT * size;
            self.runs.push(Run {
                x: 0.0,
                y,
                size,
                text,
            });
            self.height = top + size;
            top += lead;
        }
    }

    /// Moves the group.
    pub(crate) fn shifted(mut self, dx: f32, dy: f32) -> Self {
        for run in &mut self.runs {
            run.x += dx;
            run.y += dy;
        }
        for hri in &mut self.hri {
            hri.x += dx;
            hri.y += dy;
        }
        if let Some(frame) = &mut self.frame {
            frame.x += dx;
            frame.y += dy;
        }
        self
    }

    /// Takes over what another group holds, at its place.
    pub(crate) fn absorb(&mut self, other: Self) {
        self.height = self.height.max(other.height);
        self.runs.extend(other.runs);
        self.hri.extend(other.hri);
        self.frame = self.frame.or(other.frame);
        self.cut |= other.cut;
        self.kept += other.kept;
    }
}

/// The product name and the name in a second language.
pub(crate) fn names(
    job: &Job,
    glyphs: &Glyphs,
    width: f32,
    sizes: &Sizes,
    lines: NameLines,
) -> Group {
    let mut group = Group::default();
    let (size, name) = fitted(&job.name, glyphs, width, sizes.name, lines.name);
    group.cut |= name.cut;
    group.add_lines(name.lines, size, size * NAME_LEADING, 0.0);
    if let Some(other) = &job.other_name {
        let largest = sizes.other.min(size * 0.85).max(MIN_NAME_PT);
        let (size, other) = fitted(other, glyphs, width, largest, lines.other);
        group.cut |= other.cut;
        group.add_lines(other.lines, size, size * NAME_LEADING, size * 0.25);
    }
    group.kept = group.runs.iter().map(|run| run.text.chars().count()).sum();
    group
}

/// A name at the largest size at which it fits: on one line if that is not much smaller, else on
/// two, else cut off at the least size.
fn fitted(
    text: &str,
    glyphs: &Glyphs,
    width: f32,
    largest: f32,
    max_lines: usize,
) -> (f32, Wrapped) {
    let at = |size: f32, lines| wrap(text, width, lines, &|part| glyphs.width(part) * size);
    let one_line =
        steps(largest, (largest * 0.82).max(MIN_NAME_PT)).map(|size| (size, at(size, 1)));
    let many = steps(largest, MIN_NAME_PT).map(|size| (size, at(size, max_lines)));
    one_line
        .chain(many)
        .find(|(_, wrapped)| !wrapped.cut)
        .map(|(size, wrapped)| {
            (
                size,
                balanced(text, width, wrapped, &|part| glyphs.width(part) * size),
            )
        })
        .unwrap_or_else(|| (MIN_NAME_PT, at(MIN_NAME_PT, max_lines)))
}

/// Sizes from `largest` down to `least`, both included.
pub(crate) fn steps(largest: f32, least: f32) -> impl Iterator<Item = f32> {
    let count = ((largest - least) / 0.25).ceil().max(0.0) as usize;
    (0..=count).map(move |step| (largest - step as f32 * 0.25).max(least))
}

/// How captions and values stand to each other.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Pairing {
    /// Values in a column of their own.
    Columns,
    /// Each value right behind its caption.
    Behind,
    /// A value below its caption if it does not fit behind it.
    Below,
}

/// The captioned lines, values in a column of their own if there is room for one.
pub(crate) fn lines(job: &Job, glyphs: &Glyphs, width: f32, sizes: &Sizes) -> Option<Group> {
    let at = |pairing, least| {
        steps(sizes.line, least)
            .find_map(|size| lines_at(&job.lines, glyphs, width, (size, sizes.leading), pairing))
    };
    at(Pairing::Columns, (sizes.line * 0.85).max(MIN_TEXT_PT))
        .or_else(|| at(Pairing::Behind, MIN_TEXT_PT))
        .or_else(|| at(Pairing::Below, MIN_TEXT_PT))
}

fn lines_at(
    lines: &[Line],
    glyphs: &Glyphs,
    width: f32,
    (size, leading): (f32, f32),
    pairing: Pairing,
) -> Option<Group> {
    let of = |text: &str| glyphs.width(text) * size;
    let column = lines
        .iter()
        .map(|line| of(&line.caption))
        .fold(0.0, f32::max)
        + size * 0.7;
    let mut group = Group::default();
    let mut top = 0.0;
    for line in lines {
        let behind = of(&line.caption) + size * 0.4;
        let mut x = if pairing == Pairing::Columns {
            column
        } else {
            behind
        };
        let mut push = |x, top, text: &str| {
            group.runs.push(Run {
                x,
                y: top + ASCENT * size,
                size,
                text: text.to_owned(),
            });
        };
        push(0.0, top, &line.caption);
        if pairing == Pairing::Below && x + of(&line.value) > width {
            (x, top) = (0.0, top + size * leading);
        }
        push(x, top, &line.value);
        if x + of(&line.value) > width || of(&line.caption) > width {
            return None;
        }
        group.height = top + size;
        top += size * leading;
    }
    Some(group)
}

/// The frame of the hidden code below its caption.
pub(crate) fn hidden(job: &Job, glyphs: &Glyphs, width: f32, sizes: &Sizes) -> Option<Group> {
    let mut group = Group::default();
    let Some(caption) = &job.hidden_caption else {
        return Some(group);
    };
    let fits = |size: &f32| {
        let wrapped = wrap(caption, width, 2, &|part| glyphs.width(part) * size);
        !wrapped.cut
    };
    let size = steps(sizes.caption, MIN_TEXT_PT).find(fits)?;
    let wrapped = wrap(caption, width, 2, &|part| glyphs.width(part) * size);
    group.add_lines(wrapped.lines, size, size * NAME_LEADING, 0.0);
    let sample = job.sample.hidden.as_deref().unwrap_or("0000-0000");
    let widest = glyphs.width(&glyphs.widest(sample));
    let needed = |size: f32| (widest + 1.0) * size;
    let size = steps(sizes.hidden, MIN_HIDDEN_PT).find(|size| needed(*size) <= width)?;
    let y = group.height + sizes.caption * 0.45;
    let height = size * 1.75;
    let frame_width = needed(size).max(size * 11.0).min(width);
    group.frame = Some(Frame {
        x: 0.0,
        y,
        width: frame_width,
        height,
        size,
    });
    group.height = y + height;
    Some(group)
}
