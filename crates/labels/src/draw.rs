//! Drawing operators of labels (ISO 32000-2, 8 and 9).

use pdf_writer::{Content, Name, Settings, Str};

use crate::block::{Frame, Run};
use crate::code::Matrix;
use crate::glyphs::Glyphs;
use crate::limits::QUIET_ZONE;
use crate::plan::{CodePlace, Plan};
use crate::stock::Stock;
use crate::units::{pt, tidy};

/// Resource names.
pub(crate) const FONT: Name<'static> = Name(b"F");
pub(crate) const SHARED: Name<'static> = Name(b"L");
pub(crate) const MARKS: Name<'static> = Name(b"M");

/// Thin lines, in points, and the grey of cutting marks: seen by who cuts, not by who reads.
const FRAME_LINE: f32 = 0.35;
const MARK_LINE: f32 = 0.2;
const MARK_GREY: f32 = 0.75;

/// An empty content stream without line breaks that only people need.
pub(crate) fn content() -> Content {
    Content::with_settings_and_capacity(Settings { pretty: false }, 8192)
}

/// What all labels share: names, lines, caption and frame. The origin is the lower left corner.
pub(crate) fn shared(plan: &Plan, glyphs: &Glyphs) -> Content {
    let mut content = content();
    texts(&mut content, &plan.group.runs, plan.height, glyphs);
    if let Some(frame) = &plan.group.frame {
        content.set_line_width(FRAME_LINE);
        let bottom = tidy(plan.height - frame.y - frame.height);
        content
            .rect(tidy(frame.x), bottom, tidy(frame.width), tidy(frame.height))
            .stroke();
    }
    content
}

/// The outlines of all labels of a sheet. The origin is the lower left corner of the page.
pub(crate) fn cutting_marks(stock: &Stock) -> Content {
    let mut content = content();
    let (page, label) = (stock.page(), stock.label());
    content.set_line_width(MARK_LINE).set_stroke_gray(MARK_GREY);
    for index in 0..stock.labels_per_page() {
        let (x, y) = stock.position(index);
        let bottom = page.height_mm - y - label.height_mm;
        content.rect(
            tidy(pt(x)),
            tidy(pt(bottom)),
            tidy(pt(label.width_mm)),
            tidy(pt(label.height_mm)),
        );
    }
    content.stroke();
    content
}

/// One label with its lower left corner at `x` and `y`, in points.
pub(crate) fn label(
    content: &mut Content,
    plan: &Plan,
    glyphs: &Glyphs,
    corner: (f32, f32),
    own: &Own,
) {
    content.save_state();
    content.transform([1.0, 0.0, 0.0, 1.0, tidy(corner.0), tidy(corner.1)]);
    content.x_object(SHARED);
    texts(content, &own.runs, plan.height, glyphs);
    code(content, plan.code, plan.height, &own.matrix);
    content.restore_state();
}

/// What a label has of its own.
pub(crate) struct Own {
    pub(crate) matrix: Matrix,
    pub(crate) runs: Vec<Run>,
}

/// A code as one path of rectangles, filled at once.
///
/// Several viewers and printer drivers smooth images when they enlarge them, even masks that say
/// they must not be interpolated, which blurs a code of 33 pixels. Rectangles are sharp at any
/// resolution, and as parts of one path they leave no hairlines between each other. One module is
/// one unit, so that the numbers are short.
fn code(content: &mut Content, place: CodePlace, height: f32, matrix: &Matrix) {
    let quiet = f32::from(QUIET_ZONE) * place.module;
    let side = f32::from(matrix.side);
    let (x, bottom) = (
        place.x + quiet,
        height - place.y - quiet - side * place.module,
    );
    // The X-dimension is not rounded: over 57 modules the error would add up.
    content.transform([place.module, 0.0, 0.0, place.module, tidy(x), tidy(bottom)]);
    for [x, y, width, height] in matrix.rectangles() {
        let bottom = matrix.side - y - height;
        content.rect(
            f32::from(x),
            f32::from(bottom),
            f32::from(width),
            f32::from(height),
        );
    }
    content.fill_nonzero();
}

/// The hidden code in the middle of its frame, smaller if need be; `None` if it does not fit.
pub(crate) fn hidden(frame: &Frame, text: &str, glyphs: &Glyphs, least: f32) -> Option<Run> {
    let width = glyphs.width(text);
    let size = frame.size.min(frame.inner_width() / width);
    let middle = frame.y + frame.height / 2.0;
    let run = Run {
        x: frame.x + (frame.width - width * size) / 2.0,
        y: middle + glyphs.cap_height / 2000.0 * size,
        size,
        text: text.to_owned(),
    };
    (size >= least - 0.001).then_some(run)
}

fn texts(content: &mut Content, runs: &[Run], height: f32, glyphs: &Glyphs) {
    if runs.is_empty() {
        return;
    }
    content.begin_text();
    let (mut at, mut size) = ((0.0, 0.0), 0.0);
    let mut codes = Vec::with_capacity(64);
    for run in runs {
        if run.size != size {
            content.set_font(FONT, tidy(run.size));
            size = run.size;
        }
        // Lines start relative to each other; rounding the places, not the steps, keeps them exact.
        let place = (tidy(run.x), tidy(height - run.y));
        content.next_line(tidy(place.0 - at.0), tidy(place.1 - at.1));
        at = place;
        codes.clear();
        glyphs.encode(&run.text, &mut codes);
        content.show(Str(&codes));
    }
    content.end_text();
}
