//! A PDF written object by object: what is kept is one offset an object and the open page nodes.

use std::io::Write;

use pdf_writer::{Chunk, Finish, Name, Rect, Ref, Settings, TextStr};

/// Kids of a page node: with 64, a million pages make a tree of four levels (ISO 32000-2, 7.7.3).
const FAN_OUT: usize = 64;
/// Bytes gathered before the writer is called.
const BUFFER: usize = 64 * 1024;
/// The first version with OpenType-free CFF subsets, flate and Unicode maps as used here.
const HEADER: &[u8] = b"%PDF-1.7\n%\xE2\xE3\xCF\xD3\n";

/// An open page node of one level of the tree.
#[derive(Default)]
struct Node {
    /// Its number, taken when it gets its first kid.
    id: Option<Ref>,
    kids: Vec<Ref>,
    pages: i32,
}

/// The file as it is written.
pub(crate) struct Pdf<W> {
    writer: W,
    buffer: Vec<u8>,
    /// Bytes before the buffer.
    written: u64,
    /// Offset of each object from number 1; 0 while it is not written.
    offsets: Vec<u64>,
    /// Open page nodes, from the one above the pages to the root.
    nodes: Vec<Node>,
    media: Rect,
    resources: Ref,
}

/// A chunk without line breaks that only people need.
pub(crate) fn chunk() -> Chunk {
    Chunk::with_settings(Settings { pretty: false })
}

impl<W: Write> Pdf<W> {
    /// Begins a file whose pages have the size `media` and the resources of the object `resources`,
    /// which is to be written later.
    pub(crate) fn begin(writer: W, media: Rect) -> (Self, Ref) {
        let mut pdf = Self {
            writer,
            buffer: Vec::with_capacity(2 * BUFFER),
            written: 0,
            offsets: Vec::new(),
            nodes: Vec::new(),
            media,
            resources: Ref::new(1),
        };
        pdf.buffer.extend_from_slice(HEADER);
        pdf.resources = pdf.number();
        let resources = pdf.resources;
        (pdf, resources)
    }

    /// Takes the next object number.
    pub(crate) fn number(&mut self) -> Ref {
        self.offsets.push(0);
        // The number of labels is limited, so the count stays far below the largest number.
        Ref::new(i32::try_from(self.offsets.len()).unwrap_or(i32::MAX))
    }

    /// Writes an object. `fill` gets a chunk and must write the object of that number, only it.
    pub(crate) fn object(&mut self, id: Ref, fill: impl FnOnce(&mut Chunk)) -> std::io::Result<()> {
        let mut chunk = chunk();
        fill(&mut chunk);
        debug_assert!(
            chunk.refs().eq([id]),
            "a chunk holds exactly the object it is for"
        );
        if let Some(offset) = self.offsets.get_mut(id.get() as usize - 1) {
            *offset = self.written + self.buffer.len() as u64;
        }
        self.buffer.extend_from_slice(chunk.as_bytes());
        if self.buffer.len() >= BUFFER {
            self.spill()?;
        }
        Ok(())
    }

    /// Writes a page with compressed content.
    pub(crate) fn page(&mut self, content: &[u8]) -> std::io::Result<()> {
        let (contents, page) = (self.number(), self.number());
        self.object(contents, |chunk| {
            chunk
                .stream(contents, content)
                .filter(pdf_writer::Filter::FlateDecode);
        })?;
        let parent = self.node(0);
        self.object(page, |chunk| {
            chunk.page(page).parent(parent).contents(contents);
        })?;
        self.attach(0, page, 1)
    }

    /// The open node of a level, begun if there is none.
    fn node(&mut self, level: usize) -> Ref {
        if level == self.nodes.len() {
            self.nodes.push(Node::default());
        }
        if let Some(id) = self.nodes[level].id {
            return id;
        }
        let id = self.number();
        self.nodes[level].id = Some(id);
        id
    }

    /// Hangs a kid into the open node of a level; a full node is written.
    fn attach(&mut self, level: usize, kid: Ref, pages: i32) -> std::io::Result<()> {
        self.node(level);
        let node = &mut self.nodes[level];
        node.kids.push(kid);
        node.pages += pages;
        if node.kids.len() == FAN_OUT {
            self.node(level + 1);
            self.close(level)?;
        }
        Ok(())
    }

    /// Writes the open node of a level and hangs it into the one above, if there is one.
    fn close(&mut self, level: usize) -> std::io::Result<Ref> {
        let id = self.node(level);
        let parent = (level + 1 < self.nodes.len()).then(|| self.node(level + 1));
        let Node { kids, pages, .. } = std::mem::take(&mut self.nodes[level]);
        let (media, resources) = (self.media, self.resources);
        self.object(id, |chunk| {
            let mut node = chunk.pages(id);
            node.kids(kids).count(pages);
            if let Some(parent) = parent {
                node.parent(parent);
            }
            if level == 0 {
                node.media_box(media).pair(Name(b"Resources"), resources);
            }
        })?;
        if parent.is_some() {
            self.attach(level + 1, id, pages)?;
        }
        Ok(id)
    }

    /// Closes the open nodes from below; the highest is the root.
    fn close_tree(&mut self) -> std::io::Result<Ref> {
        let mut level = 0;
        if self.nodes.is_empty() {
            self.node(level);
        }
        while level + 1 < self.nodes.len() {
            if !self.nodes[level].kids.is_empty() {
                self.close(level)?;
            }
            level += 1;
        }
        self.close(level)
    }

    /// Writes what is left of the page tree, the catalogue, the cross-reference table and the trailer.
    pub(crate) fn finish(mut self, title: &str) -> std::io::Result<W> {
        let root = self.close_tree()?;
        let (catalog, info) = (self.number(), self.number());
        self.object(catalog, |chunk| {
            let mut dict = chunk.indirect(catalog).dict();
            dict.pair(Name(b"Type"), Name(b"Catalog"))
                .pair(Name(b"Pages"), root);
            // Labels hit their stock only if the print dialogue does not scale the page.
            let mut preferences = dict.insert(Name(b"ViewerPreferences")).dict();
            preferences
                .pair(Name(b"PrintScaling"), Name(b"None"))
                .pair(Name(b"DisplayDocTitle"), true);
            preferences.finish();
        })?;
        self.object(info, |chunk| {
            chunk
                .indirect(info)
                .dict()
                .pair(Name(b"Title"), TextStr(title));
        })?;
        self.cross_reference(catalog, info)?;
        self.spill()?;
        self.writer.flush()?;
        Ok(self.writer)
    }

    /// The classic table of 20 bytes an object: every reader knows it, and it is written as it is
    /// made (ISO 32000-2, 7.5.4).
    fn cross_reference(&mut self, catalog: Ref, info: Ref) -> std::io::Result<()> {
        let start = self.written + self.buffer.len() as u64;
        let size = self.offsets.len() + 1;
        write!(self.buffer, "xref\n0 {size}\n0000000000 65535 f \n")?;
        for index in 0..self.offsets.len() {
            writeln!(self.buffer, "{:010} 00000 n ", self.offsets[index])?;
            if self.buffer.len() >= BUFFER {
                self.spill()?;
            }
        }
        let (catalog, info) = (catalog.get(), info.get());
        write!(
            self.buffer,
            "trailer\n<</Size {size}/Root {catalog} 0 R/Info {info} 0 R>>\n"
        )?;
        write!(self.buffer, "startxref\n{start}\n%%EOF\n")
    }

    fn spill(&mut self) -> std::io::Result<()> {
        self.writer.write_all(&self.buffer)?;
        self.written += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }
}
