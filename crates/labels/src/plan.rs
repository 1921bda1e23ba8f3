//! The layout of a job: sizes and places, fixed once for all its labels.

use crate::block::{Group, NameLines, Sizes};
use crate::code::modules;
use crate::error::JobError;
use crate::geometry::{Label, Trial};
use crate::glyphs::Glyphs;
use crate::job::Job;
use crate::limits::{MAX_SIDE_MM, MAX_X_DIMENSION_MM, MIN_NAME_PT, MIN_X_DIMENSION_MM, QUIET_ZONE};
use crate::place::{Arrangement, LAST_RESORT, USUAL, arrange};
use crate::units::{Sides, Size, pt};

/// Ink of a code and its quiet zone stay this far inside the edge of a label, because labels are
/// die-cut with a tolerance and an outline has a width; in mm.
const EDGE_MM: f32 = 0.5;
/// Size of a product name in units of the shorter side of the label, and its largest size in points.
const NAME_SHARE: f32 = 0.105;
const MAX_NAME_PT: f32 = 16.0;
/// Largest X-dimension that is chosen without need, in mm: larger codes are no easier to scan at hand.
const COMFORTABLE_X_MM: f32 = 0.9;

/// The square of a QR code with its quiet zone. Lengths are points, `y` downwards.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct CodePlace {
    pub(crate) x: f32,
    pub(crate) y: f32,
    /// The X-dimension.
    pub(crate) module: f32,
}

/// Where everything stands on a label.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) width: f32,
    pub(crate) height: f32,
    pub(crate) code: CodePlace,
    pub(crate) group: Group,
}

/// Lays out the labels of a job.
pub(crate) fn plan(job: &Job, glyphs: &Glyphs, version: u8) -> Result<Plan, JobError> {
    let planner = Planner {
        job,
        glyphs,
        side: modules(version),
    };
    let size = job.stock.label();
    let code_needs = planner.least_label(size);
    if code_needs.width_mm > size.width_mm || code_needs.height_mm > size.height_mm {
        return Err(JobError::LabelTooSmallForItsCode {
            needed: code_needs,
            have: size,
        });
    }
    if planner.barely(size).is_none() {
        let needed = planner.enough(size);
        return Err(JobError::LabelTooSmallForItsTexts { needed, have: size });
    }
    planner
        .uncut(size, &USUAL)
        .or_else(|| planner.uncut(size, &LAST_RESORT))
        .or_else(|| planner.cut(size, &USUAL))
        .or_else(|| planner.cut(size, &LAST_RESORT))
        .or_else(|| planner.barely(size))
        .ok_or(JobError::LabelTooSmallForItsTexts {
            needed: planner.enough(size),
            have: size,
        })
}

/// Whether the code stands above the texts rather than beside them.
fn is_upright(size: Size) -> bool {
    size.height_mm > size.width_mm * 1.1
}

struct Planner<'a> {
    job: &'a Job,
    glyphs: &'a Glyphs,
    /// Modules on a side of the code, without the quiet zone.
    side: u8,
}

impl Planner<'_> {
    fn label(&self, size: Size) -> Label {
        let unreachable = self.job.stock.unreachable();
        Label {
            width: pt(size.width_mm),
            height: pt(size.height_mm),
            edge: pt(EDGE_MM),
            unreachable: Sides {
                left: pt(unreachable.left),
                right: pt(unreachable.right),
                top: pt(unreachable.top),
                bottom: pt(unreachable.bottom),
            },
            dot: self.job.stock.dots_per_mm().map(|dots| pt(1.0 / dots)),
            side: self.side,
        }
    }

    fn side_with_quiet_zone(&self) -> f32 {
        f32::from(self.side + 2 * QUIET_ZONE)
    }

    /// The least X-dimension in mm; a whole number of the printer's dots if they are known.
    fn least_x(&self) -> f32 {
        match self.job.stock.dots_per_mm() {
            // A thousandth of a dot is left out, so that a module of exactly so many dots counts.
            Some(dots) => (MIN_X_DIMENSION_MM * dots - 0.001).ceil() / dots,
            None => MIN_X_DIMENSION_MM,
        }
    }

    /// The least label, no smaller than `size`, that holds the code alone.
    fn least_label(&self, size: Size) -> Size {
        let x = self.least_x();
        let quiet = x * f32::from(QUIET_ZONE);
        let unreachable = self.job.stock.unreachable();
        let inset = |border: f32| (border - quiet).max(EDGE_MM);
        let code = self.side_with_quiet_zone() * x;
        Size {
            width_mm: size
                .width_mm
                .max(code + inset(unreachable.left) + inset(unreachable.right)),
            height_mm: size
                .height_mm
                .max(code + inset(unreachable.top) + inset(unreachable.bottom)),
        }
    }

    /// The layout with everything at its least.
    fn barely(&self, size: Size) -> Option<Plan> {
        let trial = Trial {
            module: pt(self.least_x()),
            sizes: Sizes::of(MIN_NAME_PT, 0.0),
            names: NameLines { name: 1, other: 1 },
            ease: 0.0,
            may_cut: true,
        };
        self.try_all(size, &USUAL, &trial)
            .or_else(|| self.try_all(size, &LAST_RESORT, &trial))
    }

    /// The nicest layout in which no name is cut off.
    fn uncut(&self, size: Size, ways: &[Arrangement]) -> Option<Plan> {
        let all = [(2, 2), (2, 3)].map(|(name, other)| NameLines { name, other });
        all.into_iter().find_map(|names| {
            let trials = self.trials(size, names, false);
            trials
                .iter()
                .find_map(|trial| self.try_all(size, ways, trial))
        })
    }

    /// The nicest layout of those that cut off least of the names: small texts and a small code
    /// leave most room.
    fn cut(&self, size: Size, ways: &[Arrangement]) -> Option<Plan> {
        let all = [(2, 3), (2, 2), (2, 1), (1, 1)].map(|(name, other)| NameLines { name, other });
        all.into_iter().find_map(|names| {
            let trials = self.trials(size, names, true);
            let most = trials
                .iter()
                .rev()
                .find_map(|trial| self.try_all(size, ways, trial))?;
            let mut nicest = trials
                .iter()
                .filter_map(|trial| self.try_all(size, ways, trial));
            nicest.find(|plan| plan.group.kept >= most.group.kept)
        })
    }

    fn try_all(&self, size: Size, ways: &[Arrangement], trial: &Trial) -> Option<Plan> {
        let label = self.label(size);
        let fits = |arrangement: &_| arrange(*arrangement, &label, self.job, self.glyphs, trial);
        if is_upright(size) {
            ways.iter().rev().find_map(fits)
        } else {
            ways.iter().find_map(fits)
        }
    }

    /// Pairs of code and text sizes, the nicest first.
    fn trials(&self, size: Size, names: NameLines, may_cut: bool) -> Vec<Trial> {
        let largest = self.largest_name(size);
        let modules = self.modules(size);
        let widest = modules.first().copied().unwrap_or(MIN_X_DIMENSION_MM);
        let mut trials = Vec::new();
        for x in modules {
            for step in 0_u8..=10 {
                let ease = 1.0 - f32::from(step) / 10.0;
                let name = MIN_NAME_PT + (largest - MIN_NAME_PT) * ease;
                let quality = 0.65 * name / largest + 0.35 * x / widest;
                let trial = Trial {
                    module: pt(x),
                    sizes: Sizes::of(name, ease),
                    names,
                    ease,
                    may_cut,
                };
                trials.push((quality, trial));
            }
        }
        trials.sort_by(|a, b| b.0.total_cmp(&a.0));
        trials.into_iter().map(|(_, trial)| trial).collect()
    }

    /// The comfortable size of a product name in points.
    fn largest_name(&self, size: Size) -> f32 {
        let (width, height) = (pt(size.width_mm), pt(size.height_mm));
        let measure = if is_upright(size) {
            width * 0.85
        } else {
            height.min(width * 0.62)
        };
        (measure * NAME_SHARE).clamp(MIN_NAME_PT, MAX_NAME_PT)
    }

    /// X-dimensions in mm, from the comfortable one down to the least.
    fn modules(&self, size: Size) -> Vec<f32> {
        let (across, down) = if is_upright(size) {
            (0.9, 0.52)
        } else {
            (0.42, 1.0)
        };
        let room = (size.width_mm * across).min(size.height_mm * down - 2.0 * EDGE_MM);
        let least = self.least_x();
        let most = (room / self.side_with_quiet_zone())
            .min(COMFORTABLE_X_MM)
            .min(MAX_X_DIMENSION_MM);
        if let Some(dots) = self.job.stock.dots_per_mm() {
            let least = (least * dots).round() as u16;
            let most = ((most * dots) as u16).max(least);
            return (least..=most)
                .rev()
                .map(|count| f32::from(count) / dots)
                .collect();
        }
        let most = most.max(least);
        (0_u8..=8)
            .map(|step| most - (most - least) * f32::from(step) / 8.0)
            .collect()
    }

    /// A label on which everything fits at its least: longer, or wider, or both.
    fn enough(&self, size: Size) -> Size {
        let grown = |width: f32, height: f32| Size {
            width_mm: size.width_mm + width,
            height_mm: size.height_mm + height,
        };
        let mut more = 0.5;
        while more < MAX_SIDE_MM {
            let ways = [grown(0.0, more), grown(more, 0.0), grown(more, more)];
            if let Some(enough) = ways.into_iter().find(|size| self.barely(*size).is_some()) {
                return enough;
            }
            more += 0.5;
        }
        grown(MAX_SIDE_MM, MAX_SIDE_MM)
    }
}
