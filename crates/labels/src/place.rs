//! Ways to arrange code and texts on a label.

use crate::block::{Group, hidden, lines, names};
use crate::geometry::{LEAST_GAP_MM, Label, Setting, Trial};
use crate::glyphs::Glyphs;
use crate::hri::hri;
use crate::job::Job;
use crate::plan::{CodePlace, Plan};
use crate::units::pt;

/// A way to arrange code and texts.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Arrangement {
    /// All texts in a column to the right of the code.
    Beside,
    /// The same with several element strings on a line.
    BesidePacked,
    /// The HRI under the code over the whole width, the other texts to the right of the code.
    HriBeneath,
    /// The last element strings under the code, all other texts to the right of it.
    HriDivided,
    /// All texts under the code.
    Below,
}

/// The ways that keep the HRI together, from the one for wide labels to the one for upright labels.
pub(crate) const USUAL: [Arrangement; 4] = [
    Arrangement::Beside,
    Arrangement::BesidePacked,
    Arrangement::HriBeneath,
    Arrangement::Below,
];
/// The way for labels that are too small for the usual ones.
pub(crate) const LAST_RESORT: [Arrangement; 1] = [Arrangement::HriDivided];

/// Arranges a label; `None` if something does not fit.
pub(crate) fn arrange(
    way: Arrangement,
    label: &Label,
    job: &Job,
    glyphs: &Glyphs,
    trial: &Trial,
) -> Option<Plan> {
    let setting = Setting {
        label,
        job,
        glyphs,
        trial,
    };
    match way {
        Arrangement::Beside => setting.beside(false),
        Arrangement::BesidePacked => setting.beside(true),
        Arrangement::HriBeneath => setting.hri_beneath(0),
        Arrangement::HriDivided => setting.hri_divided(),
        Arrangement::Below => setting.below(),
    }
}

impl Setting<'_> {
    fn beside(&self, packed: bool) -> Option<Plan> {
        let (code, margins) = (self.code_at_left(0.0)?, self.margins());
        let left = self.right_of(code);
        let width = self.label.width - margins.right - left;
        let groups = vec![
            self.names(width)?,
            self.lines(width)?,
            self.hri(width, packed, 0..self.elements())?,
            self.hidden(width)?,
        ];
        let bottom = self.label.height - margins.bottom;
        self.with_column(code, left, groups, bottom)
    }

    /// The HRI under code and column, except for the first `beside` element strings, which stand at
    /// the end of the column.
    fn hri_beneath(&self, beside: usize) -> Option<Plan> {
        let margins = self.margins();
        let left = self.code_left() + self.quiet();
        let across = self.label.width - margins.right - left;
        let beneath = self.hri(across, true, beside..self.elements())?;
        let top = self.label.height - margins.bottom - beneath.height;
        let code = self.code_at_left(self.label.height - top)?;
        let column = self.right_of(code);
        let width = self.label.width - margins.right - column;
        let groups = vec![
            self.names(width)?,
            self.lines(width)?,
            self.hri(width, false, 0..beside)?,
            self.hidden(width)?,
        ];
        let gap = self.trial.sizes.gap * if beside > 0 { 0.5 } else { 0.8 };
        let mut plan = self.with_column(code, column, groups, top - gap)?;
        plan.group.absorb(beneath.shifted(left, top));
        Some(plan)
    }

    fn hri_divided(&self) -> Option<Plan> {
        (1..self.elements())
            .rev()
            .find_map(|beside| self.hri_beneath(beside))
    }

    fn below(&self) -> Option<Plan> {
        let margins = self.margins();
        let (x, y) = (self.code_left(), self.inset(self.label.unreachable.top));
        let code = self.snapped(CodePlace {
            x,
            y,
            module: self.trial.module,
        });
        let left = code.x + self.quiet();
        let width = self.label.width - margins.right.max(margins.left) - left;
        let right = code.x + self.square() + self.inset(self.label.unreachable.right);
        if right > self.label.width {
            return None;
        }
        let all = 0..self.elements();
        let groups = vec![
            self.names(width)?,
            self.lines(width)?,
            self.hri(width, false, all.clone())
                .or_else(|| self.hri(width, true, all))?,
            self.hidden(width)?,
        ];
        let top = code.y + self.square() + pt(LEAST_GAP_MM);
        let room = self.label.height - margins.bottom - top;
        let stack = self.stack(groups, room, room)?;
        Some(self.plan(code, stack.shifted(left, top)))
    }

    /// A code with a column of groups to its right that begins at `left` and ends above `bottom`.
    ///
    /// Code and column share their upper edge, and their lower edge too if they are of like height.
    fn with_column(
        &self,
        code: CodePlace,
        left: f32,
        groups: Vec<Group>,
        bottom: f32,
    ) -> Option<Plan> {
        let top = self.margins().top;
        let dark = f32::from(self.label.side) * code.module;
        let column = self.stack(groups, bottom - top, dark)?;
        let middle = top + (bottom - top - column.height) / 2.0;
        if column.height <= dark + self.trial.sizes.line {
            let y = (code.y + self.quiet()).min(bottom - column.height).max(top);
            return Some(self.plan(code, column.shifted(left, y)));
        }
        let y = (middle - self.quiet()).max(self.inset(self.label.unreachable.top));
        let code = self.snapped(CodePlace {
            y: y.min(code.y),
            ..code
        });
        Some(self.plan(code, column.shifted(left, middle)))
    }

    fn elements(&self) -> usize {
        self.job.sample.elements.len()
    }

    fn hri(&self, width: f32, packed: bool, range: std::ops::Range<usize>) -> Option<Group> {
        hri(
            (self.job, range),
            self.glyphs,
            width,
            &self.trial.sizes,
            packed,
        )
    }

    fn lines(&self, width: f32) -> Option<Group> {
        lines(self.job, self.glyphs, width, &self.trial.sizes)
    }

    fn hidden(&self, width: f32) -> Option<Group> {
        hidden(self.job, self.glyphs, width, &self.trial.sizes)
    }

    fn names(&self, width: f32) -> Option<Group> {
        if width < self.trial.sizes.name * 3.0 {
            return None;
        }
        let group = names(
            self.job,
            self.glyphs,
            width,
            &self.trial.sizes,
            self.trial.names,
        );
        // A name smaller than the small print would turn the order of importance around.
        let shrunk = group
            .runs
            .first()
            .is_some_and(|run| run.size < self.trial.sizes.line);
        let refused = shrunk || (group.cut && !self.trial.may_cut);
        (!refused).then_some(group)
    }

    /// Stacks groups, spread towards the height `wished` as far as their gaps may grow.
    fn stack(&self, groups: Vec<Group>, room: f32, wished: f32) -> Option<Group> {
        let groups: Vec<Group> = groups
            .into_iter()
            .filter(|group| group.height > 0.0)
            .collect();
        let gaps = groups.len().saturating_sub(1).max(1) as f32;
        let least =
            groups.iter().map(|group| group.height).sum::<f32>() + self.trial.sizes.gap * gaps;
        if least > room {
            return None;
        }
        let most = (least + gaps * self.trial.sizes.gap * 1.6).min(room);
        let extra = (wished.clamp(least, most) - least) / gaps;
        let mut column = Group::default();
        for group in groups {
            let y = if column.height > 0.0 {
                column.height + self.trial.sizes.gap + extra
            } else {
                0.0
            };
            let end = y + group.height;
            column.absorb(group.shifted(0.0, y));
            column.height = end;
        }
        Some(column)
    }
}
