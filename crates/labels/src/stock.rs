//! What the labels are printed on: A4 sheets with a grid of labels, or a roll.

use crate::error::StockError;
use crate::limits::{MAX_SIDE_MM, MIN_SIDE_MM};
use crate::units::{Sides, Size};

/// ISO 216 A4, upright.
const A4: Size = Size {
    width_mm: 210.0,
    height_mm: 297.0,
};
/// Most columns or rows of a sheet: narrower labels could hold no code.
const MAX_COUNT: u16 = 40;
/// Sheets are sold with rounded measures, so a sum may be this much too long.
const TOLERANCE_MM: f32 = 0.05;
/// Resolutions of label printers.
const DOTS_PER_INCH: std::ops::RangeInclusive<u16> = 100..=2400;

/// The border of a sheet that common office printers leave blank, in mm.
pub const USUAL_PRINTER_BORDER_MM: f32 = 4.2;

/// The measures of an upright A4 sheet of labels; all lengths in mm.
///
/// Labels are filled row by row from the upper left. What is left of the sheet after margins,
/// labels and gaps stays blank at the right and at the bottom.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Grid {
    /// Width and height of one label.
    pub label: Size,
    /// Labels side by side, 1 to 40.
    pub columns: u16,
    /// Labels one below the other, 1 to 40.
    pub rows: u16,
    /// Distance of the first column from the left edge of the sheet.
    pub left_mm: f32,
    /// Distance of the first row from the upper edge of the sheet.
    pub top_mm: f32,
    /// Gap between columns.
    pub gap_x_mm: f32,
    /// Gap between rows.
    pub gap_y_mm: f32,
    /// Border of the sheet that the printer cannot reach: labels that touch it keep ink out of it.
    pub printer_border_mm: f32,
    /// Whether a thin light grey outline is drawn around every label.
    pub cutting_marks: bool,
}

/// The measures of a roll with one label a page; the page is the label.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Roll {
    /// Width and height of the label.
    pub label: Size,
    /// Resolution of the printer, if known: modules are then whole numbers of dots, because a
    /// thermal head that has to round makes modules of unequal width.
    pub dots_per_inch: Option<u16>,
}

/// Common sheets of A4 labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Preset {
    /// 8 labels of 105 x 74 mm.
    TwoByFour,
    /// 14 labels of 99.1 x 38.1 mm.
    TwoBySeven,
    /// 21 labels of 63.5 x 38.1 mm.
    ThreeBySeven,
    /// 24 labels of 70 x 37 mm.
    ThreeByEight,
    /// 40 labels of 48.5 x 25.4 mm.
    FourByTen,
    /// 65 labels of 38.1 x 21.2 mm.
    FiveByThirteen,
}

impl Preset {
    /// Every preset, from the largest label to the smallest.
    pub const ALL: [Self; 6] = [
        Self::TwoByFour,
        Self::TwoBySeven,
        Self::ThreeBySeven,
        Self::ThreeByEight,
        Self::FourByTen,
        Self::FiveByThirteen,
    ];

    /// The measures of the sheet; change what differs and give it to [`Stock::a4_grid`].
    #[must_use]
    pub fn grid(self) -> Grid {
        let (columns, rows, width_mm, height_mm, left_mm, top_mm, gap_x_mm) = match self {
            Self::TwoByFour => (2, 4, 105.0, 74.0, 0.0, 0.5, 0.0),
            Self::TwoBySeven => (2, 7, 99.1, 38.1, 4.65, 15.15, 2.5),
            Self::ThreeBySeven => (3, 7, 63.5, 38.1, 7.25, 15.15, 2.5),
            Self::ThreeByEight => (3, 8, 70.0, 37.0, 0.0, 0.5, 0.0),
            Self::FourByTen => (4, 10, 48.5, 25.4, 8.0, 21.5, 0.0),
            Self::FiveByThirteen => (5, 13, 38.1, 21.2, 4.75, 10.7, 2.5),
        };
        Grid {
            label: Size {
                width_mm,
                height_mm,
            },
            columns,
            rows,
            left_mm,
            top_mm,
            gap_x_mm,
            gap_y_mm: 0.0,
            printer_border_mm: USUAL_PRINTER_BORDER_MM,
            cutting_marks: false,
        }
    }
}

/// A stock of labels whose measures have been checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Stock(Kind);

#[derive(Debug, Clone, PartialEq)]
enum Kind {
    Sheet(Grid),
    Roll(Roll),
}

impl Stock {
    /// A stock of A4 sheets.
    ///
    /// # Errors
    /// A length or count is out of its limits, or the labels do not fit the sheet.
    pub fn a4_grid(grid: Grid) -> Result<Self, StockError> {
        check_label(grid.label)?;
        check_count("the number of columns", grid.columns)?;
        check_count("the number of rows", grid.rows)?;
        check_length("the left margin", grid.left_mm, 0.0, A4.width_mm)?;
        check_length("the upper margin", grid.top_mm, 0.0, A4.height_mm)?;
        check_length("the gap between columns", grid.gap_x_mm, 0.0, A4.width_mm)?;
        check_length("the gap between rows", grid.gap_y_mm, 0.0, A4.height_mm)?;
        check_length("the printer's border", grid.printer_border_mm, 0.0, 20.0)?;
        let needed = Size {
            width_mm: grid.left_mm + run(grid.columns, grid.label.width_mm, grid.gap_x_mm),
            height_mm: grid.top_mm + run(grid.rows, grid.label.height_mm, grid.gap_y_mm),
        };
        let fits = needed.width_mm <= A4.width_mm + TOLERANCE_MM
            && needed.height_mm <= A4.height_mm + TOLERANCE_MM;
        if !fits {
            return Err(StockError::DoesNotFitThePage { needed, page: A4 });
        }
        Ok(Self(Kind::Sheet(grid)))
    }

    /// A roll: one label a page.
    ///
    /// # Errors
    /// A side or the resolution is out of its limits.
    pub fn roll(roll: Roll) -> Result<Self, StockError> {
        check_label(roll.label)?;
        if let Some(value) = roll.dots_per_inch
            && !DOTS_PER_INCH.contains(&value)
        {
            return Err(StockError::ResolutionOutOfRange {
                value,
                min: *DOTS_PER_INCH.start(),
                max: *DOTS_PER_INCH.end(),
            });
        }
        Ok(Self(Kind::Roll(roll)))
    }

    /// The size of one label.
    #[must_use]
    pub fn label(&self) -> Size {
        match &self.0 {
            Kind::Sheet(grid) => grid.label,
            Kind::Roll(roll) => roll.label,
        }
    }

    /// The size of a page.
    #[must_use]
    pub fn page(&self) -> Size {
        match &self.0 {
            Kind::Sheet(_) => A4,
            Kind::Roll(roll) => roll.label,
        }
    }

    /// How many labels a page holds.
    #[must_use]
    pub fn labels_per_page(&self) -> usize {
        match &self.0 {
            Kind::Sheet(grid) => usize::from(grid.columns) * usize::from(grid.rows),
            Kind::Roll(_) => 1,
        }
    }

    /// The distances in mm of the label's left edge from the page's left edge and of its upper
    /// edge from the page's upper edge, for the label at `index` of a page, row by row.
    #[must_use]
    pub fn position(&self, index: usize) -> (f32, f32) {
        match &self.0 {
            Kind::Sheet(grid) => {
                let columns = usize::from(grid.columns);
                let (column, row) = ((index % columns) as f32, (index / columns) as f32);
                (
                    grid.left_mm + column * (grid.label.width_mm + grid.gap_x_mm),
                    grid.top_mm + row * (grid.label.height_mm + grid.gap_y_mm),
                )
            }
            Kind::Roll(_) => (0.0, 0.0),
        }
    }

    /// Whether every label gets an outline.
    pub(crate) fn cutting_marks(&self) -> bool {
        matches!(&self.0, Kind::Sheet(grid) if grid.cutting_marks)
    }

    /// Dots of the printer in a millimetre, if known.
    pub(crate) fn dots_per_mm(&self) -> Option<f32> {
        match &self.0 {
            Kind::Roll(roll) => roll.dots_per_inch.map(|dots| f32::from(dots) / 25.4),
            Kind::Sheet(_) => None,
        }
    }

    /// How far ink must stay from the edges of a label, in mm, for the printer to reach it.
    ///
    /// The outermost labels decide for all, so that all labels of a job look alike.
    pub(crate) fn unreachable(&self) -> Sides {
        let Kind::Sheet(grid) = &self.0 else {
            return Sides::default();
        };
        let right =
            A4.width_mm - grid.left_mm - run(grid.columns, grid.label.width_mm, grid.gap_x_mm);
        let bottom =
            A4.height_mm - grid.top_mm - run(grid.rows, grid.label.height_mm, grid.gap_y_mm);
        let inside = |margin: f32| (grid.printer_border_mm - margin).max(0.0);
        Sides {
            left: inside(grid.left_mm),
            right: inside(right),
            top: inside(grid.top_mm),
            bottom: inside(bottom),
        }
    }
}

/// The length of `count` labels with gaps between them.
fn run(count: u16, label: f32, gap: f32) -> f32 {
    f32::from(count) * label + f32::from(count.saturating_sub(1)) * gap
}

fn check_label(label: Size) -> Result<(), StockError> {
    check_length(
        "the width of the label",
        label.width_mm,
        MIN_SIDE_MM,
        MAX_SIDE_MM,
    )?;
    check_length(
        "the height of the label",
        label.height_mm,
        MIN_SIDE_MM,
        MAX_SIDE_MM,
    )
}

fn check_length(
    what: &'static str,
    value_mm: f32,
    min_mm: f32,
    max_mm: f32,
) -> Result<(), StockError> {
    // The range refuses NaN as well, because NaN lies in no range.
    if (min_mm..=max_mm).contains(&value_mm) {
        return Ok(());
    }
    Err(StockError::LengthOutOfRange {
        what,
        value_mm,
        min_mm,
        max_mm,
    })
}

fn check_count(what: &'static str, value: u16) -> Result<(), StockError> {
    if (1..=MAX_COUNT).contains(&value) {
        return Ok(());
    }
    Err(StockError::CountOutOfRange {
        what,
        value,
        max: MAX_COUNT,
    })
}
