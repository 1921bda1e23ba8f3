//! The sheets as they are written, label by label.

use std::io::Write;

use flate2::{Compress, Compression, FlushCompress, Status};
use pdf_writer::{Content, Filter, Finish, Name, Rect, Ref};

use crate::block::Run;
use crate::code::{Coder, version_for};
use crate::draw;
use crate::draw::{FONT, MARKS, Own, SHARED};
use crate::embed::{deflated, embed};
use crate::error::{JobError, LabelError, SheetsError};
use crate::font::Font;
use crate::glyphs::{Glyphs, Program};
use crate::job::{Job, Label};
use crate::limits::{MAX_LABELS, MIN_HIDDEN_PT, MIN_TEXT_PT};
use crate::pdf::Pdf;
use crate::plan::{Plan, plan};
use crate::stock::Stock;
use crate::units::{mm, pt, tidy};

/// Labels being written to a writer as a PDF.
///
/// Each page is written when it is full and then forgotten; what is kept of it are the offsets of
/// its two objects. The same job, font and labels give the same bytes. The writer is called with
/// 64 KiB and more at a time, so it needs no buffer.
pub struct Sheets<W> {
    pdf: Pdf<W>,
    stock: Stock,
    title: String,
    glyphs: Glyphs,
    plan: Plan,
    coder: Coder,
    version: u8,
    page: Content,
    on_page: usize,
    pushed: u64,
    compressor: Compress,
    packed: Vec<u8>,
    broken: bool,
}

impl<W: Write> Sheets<W> {
    /// Checks and lays out the job and writes what its labels share.
    ///
    /// # Errors
    /// [`SheetsError::Job`] if the job is refused, before anything is written;
    /// [`SheetsError::Write`] if the writer fails.
    pub fn begin(writer: W, job: &Job, font: &Font) -> Result<Self, SheetsError> {
        let Prepared {
            glyphs,
            program,
            plan,
            coder,
            version,
        } = Prepared::new(job, font)?;
        let page = job.stock.page();
        let media = Rect::new(0.0, 0.0, tidy(pt(page.width_mm)), tidy(pt(page.height_mm)));
        let (mut pdf, resources) = Pdf::begin(writer, media);
        write_shared(&mut pdf, resources, &job.stock, &plan, &glyphs, &program)?;
        Ok(Self {
            pdf,
            stock: job.stock.clone(),
            title: job.name.clone(),
            glyphs,
            plan,
            coder,
            version,
            page: draw::content(),
            on_page: 0,
            pushed: 0,
            compressor: Compress::new(Compression::new(PAGE_LEVEL), true),
            packed: Vec::new(),
            broken: false,
        })
    }

    /// Draws the next label, row by row, and writes the page when it is full.
    ///
    /// # Errors
    /// [`SheetsError::Label`] if the label is refused: nothing of it is drawn and the next one may be
    /// pushed. [`SheetsError::TooManyLabels`] after a million labels. [`SheetsError::Write`] if the
    /// writer fails; then and from then on nothing more can be written.
    pub fn push(&mut self, label: &Label<'_>) -> Result<(), SheetsError> {
        if self.broken {
            return Err(SheetsError::BrokenOff);
        }
        if self.pushed == MAX_LABELS {
            return Err(SheetsError::TooManyLabels { limit: MAX_LABELS });
        }
        let position = self.pushed;
        let own = self
            .own(label)
            .map_err(|source| SheetsError::Label { position, source })?;
        let (x, y) = self.stock.position(self.on_page);
        let bottom = self.stock.page().height_mm - y - self.stock.label().height_mm;
        draw::label(
            &mut self.page,
            &self.plan,
            &self.glyphs,
            (pt(x), pt(bottom)),
            &own,
        );
        self.pushed += 1;
        self.on_page += 1;
        if self.on_page == self.stock.labels_per_page() {
            self.turn_page()?;
        }
        Ok(())
    }

    /// Writes the last page and the end of the file, and gives the flushed writer back.
    ///
    /// # Errors
    /// [`SheetsError::NoLabels`] if none was pushed, [`SheetsError::Write`] if the writer fails.
    pub fn finish(mut self) -> Result<W, SheetsError> {
        if self.broken {
            return Err(SheetsError::BrokenOff);
        }
        if self.pushed == 0 {
            return Err(SheetsError::NoLabels);
        }
        if self.on_page > 0 {
            self.turn_page()?;
        }
        Ok(self.pdf.finish(&self.title)?)
    }

    /// How many labels were pushed.
    #[must_use]
    pub fn pushed(&self) -> u64 {
        self.pushed
    }

    /// The X-dimension of the job's codes, in mm.
    #[must_use]
    pub fn x_dimension_mm(&self) -> f32 {
        mm(self.plan.code.module)
    }

    /// The QR version of the job's codes.
    #[must_use]
    pub fn qr_version(&self) -> u8 {
        self.version
    }

    /// Sets what a label has of its own, or refuses it.
    fn own(&self, label: &Label<'_>) -> Result<Own, LabelError> {
        let (count, areas) = (label.elements.len(), &self.plan.group.hri);
        let limit = areas.last().map_or(0, |area| area.elements.end);
        if count > limit {
            return Err(LabelError::TooManyElements { count, limit });
        }
        label.check()?;
        let mut runs = self.hri(label.elements)?;
        if let Some(hidden) = label.hidden {
            let frame = self
                .plan
                .group
                .frame
                .as_ref()
                .ok_or(LabelError::NoPlaceForTheHiddenCode)?;
            let run = draw::hidden(frame, hidden, &self.glyphs, MIN_HIDDEN_PT);
            runs.push(run.ok_or(LabelError::HiddenWiderThanItsFrame {
                available_mm: mm(frame.inner_width()),
            })?);
        }
        let matrix = self.coder.draw(label.address)?;
        Ok(Own { matrix, runs })
    }

    fn hri(&self, elements: &[&str]) -> Result<Vec<Run>, LabelError> {
        let all = self.plan.group.hri.iter().map(|area| {
            let refused = || LabelError::ElementsWiderThanTheSample {
                available_mm: mm(area.width),
                lines: area.lines,
                size_pt: MIN_TEXT_PT,
            };
            area.set(elements, &self.glyphs).ok_or_else(refused)
        });
        Ok(all.collect::<Result<Vec<_>, _>>()?.concat())
    }

    fn turn_page(&mut self) -> Result<(), SheetsError> {
        // If writing fails half way, the file cannot be continued, whatever the caller does.
        self.broken = true;
        if self.stock.cutting_marks() {
            self.page.x_object(MARKS);
        }
        let content = std::mem::replace(&mut self.page, draw::content()).finish();
        compress(&mut self.compressor, content.as_slice(), &mut self.packed)?;
        self.pdf.page(&self.packed)?;
        self.on_page = 0;
        self.broken = false;
        Ok(())
    }
}

/// What is made of a job before anything is written.
struct Prepared {
    glyphs: Glyphs,
    program: Program,
    plan: Plan,
    coder: Coder,
    version: u8,
}

impl Prepared {
    fn new(job: &Job, font: &Font) -> Result<Self, JobError> {
        job.check()?;
        let (glyphs, program) = Glyphs::subset(font, &job.characters())?;
        let version = version_for(&job.sample.address)?;
        let plan = plan(job, &glyphs, version)?;
        let coder = Coder::new(version)?;
        Ok(Self {
            glyphs,
            program,
            plan,
            coder,
            version,
        })
    }
}

/// Writes font, shared texts and cutting marks, and the resources that name them.
fn write_shared<W: Write>(
    pdf: &mut Pdf<W>,
    resources: Ref,
    stock: &Stock,
    plan: &Plan,
    glyphs: &Glyphs,
    program: &Program,
) -> std::io::Result<()> {
    let font = embed(pdf, program)?;
    let label = Rect::new(0.0, 0.0, tidy(plan.width), tidy(plan.height));
    let shared = form(pdf, draw::shared(plan, glyphs), label, Some(font))?;
    let marks = if stock.cutting_marks() {
        let page = stock.page();
        let page = Rect::new(0.0, 0.0, pt(page.width_mm), pt(page.height_mm));
        Some(form(pdf, draw::cutting_marks(stock), page, None)?)
    } else {
        None
    };
    pdf.object(resources, |chunk| {
        let mut dict = chunk.indirect(resources).dict();
        dict.insert(Name(b"Font")).dict().pair(FONT, font);
        let mut forms = dict.insert(Name(b"XObject")).dict();
        forms.pair(SHARED, shared);
        if let Some(marks) = marks {
            forms.pair(MARKS, marks);
        }
    })
}

/// Writes a form that pages can draw again and again (ISO 32000-2, 8.10).
fn form<W: Write>(
    pdf: &mut Pdf<W>,
    content: Content,
    bounds: Rect,
    font: Option<Ref>,
) -> std::io::Result<Ref> {
    let id = pdf.number();
    let data = deflated(content.finish().as_slice())?;
    pdf.object(id, |chunk| {
        let mut form = chunk.form_xobject(id, &data);
        form.filter(Filter::FlateDecode);
        form.bbox(bounds);
        let mut resources = form.resources();
        if let Some(font) = font {
            resources.fonts().pair(FONT, font);
        }
        resources.finish();
    })?;
    Ok(id)
}

/// Level of compression of pages: the next one takes twice the time to save a tenth of a sheet.
const PAGE_LEVEL: u32 = 5;

/// Compresses a page into `packed`. The compressor is used again and again, because making one
/// costs more than compressing a label.
fn compress(compressor: &mut Compress, data: &[u8], packed: &mut Vec<u8>) -> std::io::Result<()> {
    compressor.reset();
    packed.clear();
    packed.reserve(data.len() / 2 + 256);
    loop {
        let read = compressor.total_in() as usize;
        let status = compressor.compress_vec(&data[read..], packed, FlushCompress::Finish)?;
        if status == Status::StreamEnd {
            return Ok(());
        }
        packed.reserve(4096);
    }
}
