//! Scripts: their texts are there, can be sent, and are of a language that runs on the platform.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Checker, by_name};
use crate::config::document::{Document, Documents};
use crate::config::kind::{
    Detect, Kind, PlatformScripts, ReleaseSpec, ScriptSource, ScriptSpec, SoftwareSpec, Strategy, TaskSpec,
};
use crate::config::model::{self, Scripts};
use crate::config::parse::RawDocument;
use crate::config::tree::{ReadError, Resolved};
use crate::diagnostic::{Code, Finding, Place, Severity, code, nearest};
use crate::id::Name;
use crate::session::powershell::syntax_errors;
use crate::session::script::{Context, Interpreter, Platform, Script};
use crate::time::Limit;

/// The largest script, in bytes.
pub const MAX_SCRIPT_BYTES: u64 = 256 * 1024;
/// How many syntax errors are shown of one script.
const MAX_SYNTAX_ERRORS: usize = 3;

/// A text that was looked at: its place of origin and text, or the reason why it cannot be used (told at each use).
pub(super) type Checked = Result<Arc<str>, (Code, String)>;

/// Where a PowerShell text was written.
pub(super) struct Written {
    /// The text's own file, for a text with a file; then places are in that file.
    file: Option<Arc<str>>,
    /// The place that names the text or holds it.
    place: Place,
}

/// A Script document, its text read.
pub(super) struct Shared<'a> {
    text: Arc<str>,
    origin: Arc<str>,
    /// By the document, else by the ending of its file.
    interpreter: Option<Interpreter>,
    file: Option<Arc<str>>,
    spec: &'a ScriptSpec,
}

/// What names a script, whichever kind it stands in.
struct Named<'a> {
    file: Option<&'a str>,
    inline: Option<&'a str>,
}

/// A script's text and where it comes from.
struct Found {
    text: Arc<str>,
    origin: Arc<str>,
    file: Option<Arc<str>>,
}

impl<'a> Checker<'a> {
    /// Reads all Script documents.
    pub(super) fn shared_scripts(&mut self, documents: &'a [Document<ScriptSpec>]) {
        let sound = by_name(documents);
        for document in documents {
            self.begin(document);
            let shared = self.shared_script(document);
            if sound
                .get(document.name())
                .is_some_and(|first| Arc::ptr_eq(&first.raw.node, &document.raw.node))
            {
                self.shared.insert(document.name(), shared);
            }
        }
    }

    fn shared_script(&mut self, document: &'a Document<ScriptSpec>) -> Option<Shared<'a>> {
        let spec = &document.spec;
        let keys = [("file", spec.file.is_some()), ("inline", spec.inline.is_some())];
        if !self.exactly_one(&document.raw, "/spec", &keys) {
            return None;
        }
        let named = Named { file: spec.file.as_deref(), inline: spec.inline.as_deref() };
        let text = self.text(&document.raw, "/spec", &named)?;
        let interpreter = spec.interpreter.or_else(|| text.file.as_deref().and_then(by_ending));
        Some(Shared { text: text.text, origin: text.origin, interpreter, file: text.file, spec })
    }

    /// All Script documents that are free of errors, as they run beside Muster.
    pub(super) fn host_scripts(&self) -> BTreeMap<Name, Arc<Script>> {
        let script = |shared: &Shared<'_>| Script {
            interpreter: shared.interpreter.unwrap_or(Interpreter::Sh),
            context: shared.spec.context.unwrap_or(Context::System),
            text: Arc::clone(&shared.text),
            limit: shared.spec.time_limit,
            origin: Arc::clone(&shared.origin),
        };
        let each = self.shared.iter();
        each.filter_map(|(name, shared)| Some(((*name).clone(), Arc::new(script(shared.as_ref()?)))))
            .collect()
    }

    /// How old answers of Script documents may be, where they say so.
    pub(super) fn answer_ages(&self) -> BTreeMap<Name, Limit> {
        let each = self.shared.iter();
        each.filter_map(|(name, shared)| Some(((*name).clone(), shared.as_ref()?.spec.max_age?))).collect()
    }

    /// The scripts of all platforms at `pointer`.
    pub(super) fn scripts(&mut self, raw: &RawDocument, pointer: &str, scripts: &PlatformScripts) -> Scripts {
        let keys = [("posix", scripts.posix.is_some()), ("windows", scripts.windows.is_some())];
        self.at_least_one(raw, pointer, &keys);
        let mut one = |source: &Option<ScriptSource>, platform, key| {
            let source = source.as_ref()?;
            self.script(raw, &format!("{pointer}/{key}"), source, platform)
        };
        Scripts {
            posix: one(&scripts.posix, Platform::Posix, "posix"),
            windows: one(&scripts.windows, Platform::Windows, "windows"),
        }
    }

    /// The strategy at `pointer`.
    pub(super) fn strategy(
        &mut self,
        raw: &RawDocument,
        pointer: &str,
        strategy: &Strategy,
    ) -> model::Strategy {
        match strategy {
            Strategy::None => model::Strategy::None,
            Strategy::InstallOver => model::Strategy::InstallOver,
            Strategy::UninstallInstall => model::Strategy::UninstallInstall,
            Strategy::Script(scripts) => {
                model::Strategy::Script(self.scripts(raw, &format!("{pointer}/script"), scripts))
            }
        }
    }

    fn script(
        &mut self,
        raw: &RawDocument,
        pointer: &str,
        source: &ScriptSource,
        platform: Platform,
    ) -> Option<Arc<Script>> {
        let keys = [
            ("file", source.file.is_some()),
            ("inline", source.inline.is_some()),
            ("ref", source.r#ref.is_some()),
        ];
        if !self.exactly_one(raw, pointer, &keys) {
            return None;
        }
        let mut context = source.context;
        let mut limit: Option<Limit> = source.time_limit;
        let (text, interpreter, at) = if let Some(name) = &source.r#ref {
            let at = "ref";
            if !self.reference(raw, &format!("{pointer}/ref"), Kind::Script, name) {
                return None;
            }
            // Without one the Script document has findings of its own.
            let shared = self.shared.get(name)?.as_ref()?;
            context = context.or(shared.spec.context);
            limit = limit.or(shared.spec.time_limit);
            let text = Found {
                text: Arc::clone(&shared.text),
                origin: Arc::clone(&shared.origin),
                file: shared.file.clone(),
            };
            (text, source.interpreter.or(shared.interpreter), at)
        } else {
            let named = Named { file: source.file.as_deref(), inline: source.inline.as_deref() };
            let text = self.text(raw, pointer, &named)?;
            let interpreter = source.interpreter.or_else(|| text.file.as_deref().and_then(by_ending));
            (text, interpreter, if source.file.is_some() { "file" } else { "inline" })
        };
        let interpreter = interpreter.unwrap_or(match platform {
            Platform::Posix => Interpreter::Sh,
            Platform::Windows => Interpreter::Powershell,
        });
        if !runs_on(interpreter, platform) {
            let key = if source.interpreter.is_some() { "interpreter" } else { at };
            let message =
                format!("{} does not run on {}", interpreter_name(interpreter), platform_name(platform));
            let place = raw.place(&format!("{pointer}/{key}"));
            let help = match platform {
                Platform::Posix => "use sh, bash or python here, or move the script below `windows`",
                Platform::Windows => "use powershell, cmd or python here, or move the script below `posix`",
            };
            self.push(Finding::new(code::SCRIPT_INTERPRETER, message, place).help(help));
            return None;
        }
        if interpreter == Interpreter::Powershell && !self.powershell.contains_key(&text.text) {
            let place = raw.place(&format!("{pointer}/{at}"));
            self.powershell.insert(Arc::clone(&text.text), Written { file: text.file, place });
        }
        Some(Arc::new(Script {
            interpreter,
            context: context.unwrap_or(Context::System),
            text: text.text,
            limit,
            origin: text.origin,
        }))
    }

    fn text(&mut self, raw: &RawDocument, pointer: &str, named: &Named<'_>) -> Option<Found> {
        if let Some(path) = named.file {
            let pointer = format!("{pointer}/file");
            let file = self.file(raw, &pointer, path)?;
            let text = match self.script_file(&file) {
                Ok(text) => text,
                Err((code, message)) => {
                    self.report(code, message, raw.place(&pointer));
                    return None;
                }
            };
            return Some(Found { text, origin: Arc::clone(&file), file: Some(file) });
        }
        let inline = named.inline?;
        let place = raw.place(&format!("{pointer}/inline"));
        if let Err(why) = sendable(inline.as_bytes()) {
            self.report(code::SCRIPT_BYTES, format!("the script {why}"), place);
            return None;
        }
        Some(Found { text: with_line_feeds(inline), origin: place.to_string().into(), file: None })
    }

    /// The file that `path` leads to; otherwise says why there is none.
    pub(super) fn file(&mut self, raw: &RawDocument, pointer: &str, path: &str) -> Option<Arc<str>> {
        if !self.not_empty(raw, pointer, path) {
            return None;
        }
        let base = &*raw.file;
        if !self.is_written(raw, &raw.place(pointer), path) {
            return None;
        }
        let shown = format!("{path:?}");
        let finding = |code, message: String| Finding::new(code, message, raw.place(pointer));
        let finding = match self.around.tree.resolve(base, path) {
            Resolved::File(file) => return Some(file),
            Resolved::Folder => finding(code::FILE_MISSING, format!("{shown} is a folder, not a file")),
            Resolved::Missing => {
                let finding =
                    finding(code::FILE_MISSING, format!("the file {shown} is not in the repository"));
                match self.near_file(base, path) {
                    Some(near) => finding.help(format!("did you mean `{near}`?")),
                    None if path.contains('\\') => finding.help("separate folders by / on all systems"),
                    None => finding.help("paths are relative to the file that names them"),
                }
            }
            Resolved::Unreadable(why) => finding(code::FILE_UNREADABLE, format!("the file {shown} {why}")),
            Resolved::Leaves => {
                finding(code::LEAVES_REPOSITORY, format!("{shown} leads out of the repository"))
                    .help("copy the file into the repository, and name it relative to this file")
            }
            Resolved::Loop => {
                finding(code::SYMLINK_LOOP, format!("{shown} is a symbolic link that leads in a circle"))
            }
        };
        self.push(finding);
        None
    }

    /// The nearest name in the folder that the path leads to.
    fn near_file(&self, base: &str, path: &str) -> Option<String> {
        let (above, wanted) = path.rsplit_once('/').map_or(("", path), |(above, name)| (above, name));
        let mut folder: Vec<&str> = base.split('/').collect();
        folder.pop();
        for step in above.split('/') {
            match step {
                "" | "." => {}
                ".." => _ = folder.pop()?,
                step => folder.push(step),
            }
        }
        let folder = folder.join("/");
        let near = nearest(wanted, self.around.tree.names_in(&folder))?;
        Some(if above.is_empty() { near.to_owned() } else { format!("{above}/{near}") })
    }

    /// The text of a script file, looked at once.
    fn script_file(&mut self, file: &Arc<str>) -> Checked {
        if let Some(checked) = self.texts.get(file) {
            return checked.clone();
        }
        let checked = match self.around.files.get(file) {
            Some(Ok(bytes)) => match sendable(bytes) {
                Ok(text) => Ok(with_line_feeds(text)),
                Err(why) => Err((code::SCRIPT_BYTES, format!("the script `{file}` {why}"))),
            },
            Some(Err(ReadError::TooLarge(size))) => {
                let message =
                    format!("the script `{file}` has {size} bytes; up to {MAX_SCRIPT_BYTES} can be sent");
                Err((code::SCRIPT_BYTES, message))
            }
            Some(Err(error)) => Err((code::FILE_UNREADABLE, format!("`{file}` cannot be read: {error}"))),
            None => Err((code::FILE_UNREADABLE, format!("`{file}` was not read"))),
        };
        self.texts.insert(Arc::clone(file), checked.clone());
        checked
    }

    /// Looks for syntax errors in all PowerShell texts. The grammar is not Microsoft's own, so these are warnings.
    pub(super) fn check_powershell(&mut self) {
        self.begin_all();
        let texts = std::mem::take(&mut self.powershell);
        let texts: Vec<_> = texts.into_iter().collect();
        let errors = crate::config::parallel::map(&texts, |(text, _)| syntax_errors(text));
        for ((text, written), errors) in texts.iter().zip(errors) {
            for range in errors.into_iter().take(MAX_SYNTAX_ERRORS) {
                let finding = if let Some(file) = &written.file {
                    self.sources.insert(Arc::clone(file), Arc::clone(text));
                    let place = Place::in_text(file, text, range.start, range.end);
                    Finding::new(code::SCRIPT_SYNTAX, "this is not PowerShell as far as is known", place)
                        .related(written.place.clone(), "the script is used here")
                } else {
                    let line = Place::in_text(&written.place.file, text, range.start, range.end).line;
                    let message = format!("line {line} of the script is not PowerShell as far as is known");
                    Finding::new(code::SCRIPT_SYNTAX, message, written.place.clone())
                };
                self.push(Finding { severity: Severity::Warning, ..finding });
            }
        }
    }
}

/// The text, if it can be sent; else why not, to fit after "the script".
fn sendable(bytes: &[u8]) -> Result<&str, String> {
    if u64::try_from(bytes.len()).is_ok_and(|size| size > MAX_SCRIPT_BYTES) {
        return Err(format!("has {} bytes; up to {MAX_SCRIPT_BYTES} can be sent", bytes.len()));
    }
    let text = str::from_utf8(bytes).map_err(|error| {
        let good = bytes.get(..error.valid_up_to()).unwrap_or_default();
        let line = str::from_utf8(good).unwrap_or_default().matches('\n').count() + 1;
        format!("is not UTF-8 text; the first wrong byte is in line {line}")
    })?;
    match text.split_once('\0') {
        Some((before, _)) => Err(format!("has a NUL byte in line {}", before.matches('\n').count() + 1)),
        None => Ok(text),
    }
}

fn with_line_feeds(text: &str) -> Arc<str> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.contains('\r') { text.replace("\r\n", "\n").into() } else { text.into() }
}

pub(super) fn by_ending(file: &str) -> Option<Interpreter> {
    let name = file.rsplit_once('/').map_or(file, |(_, name)| name);
    let (_, ending) = name.rsplit_once('.')?;
    match ending.to_ascii_lowercase().as_str() {
        "sh" => Some(Interpreter::Sh),
        "bash" => Some(Interpreter::Bash),
        "ps1" => Some(Interpreter::Powershell),
        "cmd" | "bat" => Some(Interpreter::Cmd),
        "py" => Some(Interpreter::Python),
        _ => None,
    }
}

const fn runs_on(interpreter: Interpreter, platform: Platform) -> bool {
    match interpreter {
        Interpreter::Python => true,
        Interpreter::Sh | Interpreter::Bash => matches!(platform, Platform::Posix),
        Interpreter::Powershell | Interpreter::Cmd => matches!(platform, Platform::Windows),
    }
}

const fn interpreter_name(interpreter: Interpreter) -> &'static str {
    match interpreter {
        Interpreter::Powershell => "powershell",
        Interpreter::Cmd => "cmd",
        Interpreter::Sh => "sh",
        Interpreter::Bash => "bash",
        Interpreter::Python => "python",
    }
}

const fn platform_name(platform: Platform) -> &'static str {
    match platform {
        Platform::Posix => "POSIX systems",
        Platform::Windows => "Windows",
    }
}

/// The script files that documents refer to: the file that names each, and the path as written.
pub fn script_files(documents: &Documents) -> impl Iterator<Item = (&Arc<str>, &str)> {
    let software = documents.software.iter().flat_map(|document| {
        of_software(&document.spec).flat_map(files_of).map(|file| (&document.raw.file, file))
    });
    let tasks = documents.tasks.iter().flat_map(|document| {
        of_task(&document.spec).flat_map(files_of).map(|file| (&document.raw.file, file))
    });
    let scripts = documents
        .scripts
        .iter()
        .filter_map(|document| Some((&document.raw.file, document.spec.file.as_deref()?)));
    software.chain(tasks).chain(scripts)
}

fn files_of(scripts: &PlatformScripts) -> impl Iterator<Item = &str> {
    let sources = [&scripts.posix, &scripts.windows].into_iter().flatten();
    sources.filter_map(|source| source.file.as_deref())
}

fn of_software(spec: &SoftwareSpec) -> impl Iterator<Item = &PlatformScripts> {
    let detect = match &spec.detect {
        Some(Detect::Script(scripts)) => Some(scripts),
        _ => None,
    };
    let strategies = [&spec.upgrade, &spec.repair].into_iter().filter_map(|strategy| match strategy {
        Some(Strategy::Script(scripts)) => Some(scripts),
        _ => None,
    });
    let hooks = [&spec.pre_install, &spec.post_install, &spec.post_uninstall, &spec.download];
    let direct = [&spec.install, &spec.uninstall, &spec.test].into_iter().chain(hooks).flatten();
    let source = spec.source.as_ref().and_then(|source| source.script.as_ref());
    detect
        .into_iter()
        .chain(direct)
        .chain(strategies)
        .chain(source)
        .chain(spec.releases.iter().flat_map(of_release))
}

fn of_release(release: &ReleaseSpec) -> impl Iterator<Item = &PlatformScripts> {
    let strategies = [&release.upgrade, &release.repair].into_iter().filter_map(|strategy| match strategy {
        Some(Strategy::Script(scripts)) => Some(scripts),
        _ => None,
    });
    [&release.install, &release.uninstall, &release.test].into_iter().flatten().chain(strategies)
}

fn of_task(spec: &TaskSpec) -> impl Iterator<Item = &PlatformScripts> {
    [&spec.test, &spec.set, &spec.get, &spec.script].into_iter().flatten()
}
