//! Distances on a label: where code and texts may stand.

use crate::block::{Group, NameLines, Sizes};
use crate::glyphs::Glyphs;
use crate::job::Job;
use crate::limits::QUIET_ZONE;
use crate::plan::{CodePlace, Plan};
use crate::units::{Sides, mm, pt};

/// The label to be filled. Lengths are points.
pub(crate) struct Label {
    pub(crate) width: f32,
    pub(crate) height: f32,
    /// How far code and quiet zone stay inside the edge.
    pub(crate) edge: f32,
    /// How far ink stays inside the edge for the printer to reach it.
    pub(crate) unreachable: Sides,
    /// Size of the printer's dots, if known.
    pub(crate) dot: Option<f32>,
    /// Modules on a side of the code.
    pub(crate) side: u8,
}

/// Sizes to be tried.
pub(crate) struct Trial {
    /// The X-dimension in points.
    pub(crate) module: f32,
    pub(crate) sizes: Sizes,
    pub(crate) names: NameLines,
    /// From 1 for comfortable margins to 0 for the least.
    pub(crate) ease: f32,
    /// Whether a layout that cuts off a name is taken.
    pub(crate) may_cut: bool,
}

/// Least distance of text from the edge of a label and from the quiet zone, in mm.
const LEAST_MARGIN_MM: f32 = 1.0;
pub(crate) const LEAST_GAP_MM: f32 = 0.2;

/// A label being laid out with the sizes of a trial.
pub(crate) struct Setting<'a> {
    pub(crate) label: &'a Label,
    pub(crate) job: &'a Job,
    pub(crate) glyphs: &'a Glyphs,
    pub(crate) trial: &'a Trial,
}

impl Setting<'_> {
    /// A code at the left edge, half way between the upper edge and what is `taken` at the bottom.
    pub(crate) fn code_at_left(&self, taken: f32) -> Option<CodePlace> {
        let unreachable = self.label.unreachable;
        let top = self.inset(unreachable.top);
        let bottom = self.label.height - self.inset(unreachable.bottom).max(taken);
        let spare = bottom - top - self.square();
        if spare < 0.0 {
            return None;
        }
        let place = CodePlace {
            x: self.code_left(),
            y: top + spare / 2.0,
            module: self.trial.module,
        };
        Some(self.snapped(place))
    }

    /// Where the quiet zone begins: dark modules keep the margin that texts keep.
    pub(crate) fn code_left(&self) -> f32 {
        let unreachable = self.label.unreachable.left;
        self.inset(unreachable)
            .max(self.margins().left - self.quiet())
    }

    /// The place moved to whole dots of the printer, if they are known.
    pub(crate) fn snapped(&self, place: CodePlace) -> CodePlace {
        let Some(dot) = self.label.dot else {
            return place;
        };
        let up = |value: f32| (value / dot - 0.001).ceil() * dot;
        CodePlace {
            x: up(place.x),
            y: (place.y / dot).floor().max(1.0) * dot,
            ..place
        }
    }

    /// The plan of a label with these parts.
    pub(crate) fn plan(&self, code: CodePlace, group: Group) -> Plan {
        Plan {
            width: self.label.width,
            height: self.label.height,
            code,
            group,
        }
    }

    /// Width of the quiet zone.
    pub(crate) fn quiet(&self) -> f32 {
        f32::from(QUIET_ZONE) * self.trial.module
    }

    /// Side of the code with its quiet zone.
    pub(crate) fn square(&self) -> f32 {
        f32::from(self.label.side + 2 * QUIET_ZONE) * self.trial.module
    }

    /// How far the quiet zone stays inside an edge; it may lie where the printer cannot reach.
    pub(crate) fn inset(&self, unreachable: f32) -> f32 {
        self.label.edge.max(unreachable - self.quiet())
    }

    /// Where texts to the right of a code begin.
    pub(crate) fn right_of(&self, code: CodePlace) -> f32 {
        code.x + self.square() + pt(LEAST_GAP_MM) + pt(0.8) * self.trial.ease
    }

    /// Distances of text from the edges.
    pub(crate) fn margins(&self) -> Sides {
        let comfortable = (mm(self.label.width.min(self.label.height)) * 0.08).clamp(1.6, 3.5);
        let margin = pt(LEAST_MARGIN_MM + (comfortable - LEAST_MARGIN_MM) * self.trial.ease);
        let unreachable = self.label.unreachable;
        Sides {
            left: margin.max(unreachable.left),
            right: margin.max(unreachable.right),
            top: margin.max(unreachable.top),
            bottom: margin.max(unreachable.bottom),
        }
    }
}
