//! The registry of finding codes. Codes are stable: one is never given a new meaning, and a retired one is not reused.
//!
//! `M01xx` reading YAML, `M02xx` shape of a document, `M03xx` references and files, `M04xx` rules between documents,
//! `M05xx` scripts, `M06xx` lints, `M07xx` targets and plans, `M08xx` policies and reports. A test keeps the table sorted, unique and documented.

use std::fmt;

use serde::Serialize;

use super::Severity;

/// A code such as `M0201`, guaranteed to stand in the registry.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Code(&'static str);

/// What the registry knows of a code.
#[derive(Debug, Clone, Copy)]
pub struct CodeInfo {
    /// The code.
    pub code: Code,
    /// Its usual weight.
    pub severity: Severity,
    /// A title of a few words.
    pub title: &'static str,
    /// What it means, why it matters and what to do.
    pub text: &'static str,
}

impl Code {
    /// The code as text.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.0
    }

    /// What the registry says of it.
    #[must_use]
    pub fn info(self) -> &'static CodeInfo {
        // Codes are made only by the table's own constants; the registry's test checks that each is found.
        REGISTRY.iter().find(|info| info.code == self).unwrap_or(&REGISTRY[0])
    }

    /// Finds a code by its text, in any case.
    #[must_use]
    pub fn find(text: &str) -> Option<&'static CodeInfo> {
        REGISTRY.iter().find(|info| info.code.0.eq_ignore_ascii_case(text))
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.0)
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl Serialize for Code {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0)
    }
}

/// Declares the constants and the registry from one list.
macro_rules! codes {
    ($($constant:ident $code:literal $severity:ident $title:literal $text:literal)*) => {
        $(#[doc = $title] pub const $constant: Code = Code($code);)*

        /// All codes, in order.
        pub const REGISTRY: &[CodeInfo] = &[
            $(CodeInfo { code: $constant, severity: Severity::$severity, title: $title, text: $text },)*
        ];
    };
}

codes! {
    SYNTAX "M0101" Error "not valid YAML"
        "The file cannot be read as YAML 1.2. The marked place is where reading stopped; the mistake is often just before it: a missing colon or quote, or a line that is indented too little."
    NOT_UTF8 "M0102" Error "not UTF-8"
        "Configuration files are UTF-8 text. Save the file as UTF-8; a byte-order mark at its beginning is allowed and ignored."
    TOO_LARGE "M0103" Error "file too large"
        "A configuration file may have up to 4 MiB. Split it, or keep it out of the repository if it is not configuration."
    TOO_DEEP "M0104" Error "nested too deep"
        "Documents may nest 64 levels deep. Nothing that Muster reads needs more."
    TOO_MANY_NODES "M0105" Error "document too large once aliases are expanded"
        "A document may have 200,000 values, counting each use of an alias as the values it stands for, and 100 aliases. This stops files that grow without bound when they are read."
    DUPLICATE_KEY "M0106" Error "key given twice"
        "A mapping has the same key twice. YAML readers disagree about which one counts, so neither does."
    MERGE_KEY "M0107" Error "merge key"
        "YAML's merge key (<<) is not part of YAML 1.2 and readers disagree about it. Write the keys out."
    TAG "M0108" Error "YAML tag"
        "Tags such as !foo or !!python have no meaning here."
    KEY_NOT_TEXT "M0109" Error "key is not text"
        "Keys of a mapping are plain text here; lists and mappings cannot be keys."
    UNKNOWN_ALIAS "M0110" Error "alias without an anchor"
        "An alias (*name) needs an anchor (&name) earlier in the same document."
    NO_DOCUMENT "M0111" Warning "nothing in this file"
        "The file holds no document. Delete it, or put one in."
    UNKNOWN_KEY "M0201" Error "unknown key"
        "The key is not one that this place knows. A mistyped key would otherwise be ignored in silence, and a mistyped exclusion would widen a target."
    WRONG_TYPE "M0202" Error "wrong type of value"
        "The value is not of the type that is expected here. Note that yes, no, on and off are text in YAML 1.2: the booleans are true and false."
    MISSING_KEY "M0203" Error "missing key"
        "A key that is needed here is not given. The help names it; the reference of the kind says what it means."
    INVALID_VALUE "M0204" Error "invalid value"
        "The value is of the right type and not one of those that are allowed."
    NULL_VALUE "M0205" Error "empty value"
        "The key has no value. Absent means not managed and an empty list means managed and empty; null is neither, so it is an error. Leave the key out, or write [] or ''."
    UNKNOWN_KIND "M0206" Error "unknown kind"
        "The document's kind is not one that Muster knows. Names of kinds begin with a capital letter."
    UNKNOWN_API_VERSION "M0207" Error "unknown apiVersion"
        "Documents begin with apiVersion: muster/v1. Another version belongs to another release of Muster."
    NOT_A_MAPPING "M0208" Error "not a mapping"
        "A configuration document is a mapping with apiVersion, kind, metadata and spec."
    EXACTLY_ONE "M0209" Error "exactly one of several keys"
        "Of these keys exactly one has to be given."
    DUPLICATE_NAME "M0301" Error "name used twice"
        "Names are unique per kind over the whole repository. Both places are shown."
    UNKNOWN_REFERENCE "M0302" Error "reference to something that does not exist"
        "The name that is referred to is declared nowhere in the repository. A missing reference never means all or none: it is an error (TGT-16)."
    FILE_MISSING "M0303" Error "file not found"
        "The file that is referred to is not in this revision of the repository. Paths are relative to the YAML file that names them."
    LEAVES_REPOSITORY "M0304" Error "path leaves the repository"
        "Files that a document refers to must lie in the repository, so that a revision is complete. Absolute paths, .. beyond the root and symbolic links that lead out are refused."
    CYCLE "M0305" Error "cycle"
        "These objects refer to each other in a circle."
    NO_INSTANCE "M0306" Error "no Instance document"
        "The root of a repository holds muster.yaml with one document of kind Instance. `muster init` writes one."
    SECOND_INSTANCE "M0307" Error "more than one Instance document"
        "A repository has one Instance document, in muster.yaml at its root."
    FILE_UNREADABLE "M0308" Error "file cannot be read"
        "The file exists and could not be read, or is not text where text is needed."
    SYMLINK_LOOP "M0309" Error "symbolic link that leads in a circle"
        "The link leads back to itself, so there is nothing to read behind it."
    WRONG_KIND_HERE "M0310" Error "reference to the wrong kind"
        "Something of that name exists, but it is of another kind than this place needs."
    LOCK_BROKEN "M0320" Error "lock file that cannot be used"
        "muster.lock is written by `muster update` and decides which versions there are. A file that is broken, half merged or of another form decides nothing: take a whole version of it from git, or delete it where none was committed, and run `muster update`."
    LOCK_EDITED "M0321" Error "lock file that was edited"
        "An entry of muster.lock does not have the digest that it was written with. It was edited by hand, a merge mixed two of them, or it stands under another software's name. Change the software's source instead, and run `muster update`."
    LOCK_GONE "M0322" Warning "lock entry without a source"
        "muster.lock holds versions of a software that is not declared any more, or has no source. `muster update` takes the entry out."
    LOCK_STALE "M0323" Warning "source changed since it was asked"
        "The source of this software was changed after muster.lock was written, so what is locked was found under other settings. Run `muster update`."
    EMPTY_MATCH "M0401" Error "match selects nothing by construction"
        "An expression without a condition could mean all or none. To select all computers say so: match: { all: [] } is not allowed, write `every: true`."
    VERSION_NOT_USED "M0402" Error "version where the state uses none"
        "Only the states installed and update-if-found take a version (DEP-9)."
    NO_VERSION "M0403" Error "no version satisfies the deployment"
        "The software lists no version that the deployment's constraint allows, so nothing could be installed."
    MODE_WITHOUT_SCRIPT "M0404" Error "mode needs a script that the task lacks"
        "Enforce needs test and set, audit needs test, monitor needs get (TSK-6)."
    PARAMETER "M0405" Error "parameters do not fit"
        "Each parameter of a deployment must be declared by its task or software, be of the declared type, and required ones must be given."
    ORDER_TWICE "M0406" Error "item in the order twice"
        "An item stands at most once in Order.first and Order.last together (ORD-1)."
    PREREQUISITE "M0407" Error "prerequisite that cannot hold"
        "A software cannot need itself, and what it needs installed cannot also have to be absent (PRE-11)."
    NO_STRATEGY "M0408" Error "no script for what the deployment asks"
        "The software has no script for this: installed needs install, absent needs uninstall, and the upgrade and repair strategies need the scripts they name."
    SETTING "M0409" Error "settings contradict each other"
        "Two settings of this document cannot both hold."
    REGEX "M0410" Error "invalid pattern"
        "The regular expression or wildcard cannot be used. Version patterns name the version with (?<version>...)."
    VERSION "M0411" Error "not a version in this scheme"
        "The text is not a version, or not a version constraint, in the scheme of this software."
    BUNDLE_ENTRY "M0412" Error "entry of a bundle without a name of its own"
        "Each entry of a bundle becomes a deployment called BUNDLE--ENTRY, after its item unless it has a name. The whole has to be a name of at most 63 letters that no other deployment has."
    PACKAGES "M0430" Error "package managers that do not fit"
        "The name is not one that package managers use, or `prefer` names a manager twice or one that has no name here. Names are letters, digits and . + _ @ / - and begin with a letter or digit."
    LICENSE "M0431" Error "licence that does not fit"
        "A licence is for one software that takes one, for a tenant and for some of its versions; two for the same are not told apart. A deployment names only licences of its own software."
    PAYLOAD_FILE "M0436" Error "file of the repository that cannot be a payload"
        "A file of the repository that releases are installed from has up to 100 MiB, is there itself and not as a pointer of Git LFS, is sent by Muster, and has the SHA-256 and size that are written beside it, if any are."
    NOT_LOCKED "M0450" Error "version that was not looked up"
        "latest and version ranges of software with a source mean what muster.lock says, so that versions move with a reviewed commit (DEP-5). `muster update` asks the source and writes the file."
    NEVER_UPDATED "M0451" Warning "source that was never asked"
        "The software has a source, and muster.lock holds nothing of it yet. Run `muster update` before a deployment needs a version."
    BASE_VERSION "M0452" Error "base version that is no release"
        "A release that requires another version of the same software needs that one to be a release too, because it is installed first (SW-16)."
    ADDRESS "M0453" Error "address that cannot be used"
        "Files and sources are fetched over http or https from an address that holds no user and no password: secrets are references (L9)."
    SOURCE "M0454" Error "source that cannot be used"
        "A version source needs settings that fit together: an expression with a group called version, an address for each version, a package's full identifier."
    PROPERTY "M0460" Error "value that a property does not take"
        "A value reaches a property of a built-in resource through a parameter, and is none that could stand there: more than one line, a path that is not absolute, a mode that is none. Or a value is longer than 16 KiB, which is more than a variable of a POSIX system holds everywhere (SCR-12)."
    PARAMETER_VALUE "M0470" Error "value that a parameter does not allow"
        "The value is of the parameter's type, and not within what its declaration allows: min and max, integer, pattern, minLength and maxLength, schemes, or the SHA-256 of a file (PAR-1)."
    PARAMETER_BOUND "M0471" Error "bounds that no value meets"
        "The least value of a parameter is above its greatest, so that no deployment could give one."
    FILE_TOO_LARGE "M0472" Error "file too large to be sent"
        "A file of the repository that is sent to computers may have up to 1 MiB. Larger ones belong where computers can fetch them from (TSK-20)."
    RESOURCE "M0473" Error "resource that cannot be"
        "The properties of a built-in resource do not go together: a path that is not absolute, a property that the path's system does not have, or something that is to be absent and have a content."
    POLICY_CONFLICT "M0480" Error "policies that contradict each other"
        "Two policies that packages give to one site name different providers, lists of roles without a common one, or another notification balloon, or want one item in different ways. Of other settings the more cautious one wins; of these neither is."
    LIBRARY_EXCEPTION "M0490" Error "exception in a library"
        "An Exception sets a guardrail of this repository aside, so it has to stand in the repository itself, where somebody answers for it. A library cannot bring one."
    LIBRARY_UNLISTED "M0491" Warning "documents of a library that do not count"
        "A library has tenants, providers or computers that the Instance does not list. They would change which computers there are and whose they are, so they do not count. List them below the library, or allow this warning in the Instance."
    LIBRARY_TARGET "M0492" Warning "target of a library"
        "A document of the repository itself uses a target that a library declares; whoever maintains the library decides which computers that selects. List the target below the library in the Instance, or declare one of the repository's own."
    LIBRARY_PACKAGE "M0493" Error "package in a library"
        "A Package gives policies to sites of this repository's tenants, so it has to stand in the repository itself. A library can bring policies."
    SCRIPT_SYNTAX "M0501" Error "syntax error in a script"
        "The script would fail before its first line ran. The marked place is what the grammar could not read."
    SCRIPT_BYTES "M0502" Error "script cannot be sent"
        "Scripts are UTF-8 text without NUL bytes, of at most 256 KiB."
    SCRIPT_INTERPRETER "M0503" Error "interpreter does not run on this platform"
        "sh and bash run on POSIX systems, powershell and cmd on Windows, python on both."
    QUOTE_IT "M0601" Warning "text that other YAML readers take for something else"
        "Muster reads YAML 1.2, where this is text. YAML 1.1 readers take it for a boolean, a date or a number, and any other reader takes 1.10 for the number 1.1, and so does an editor with the JSON Schema; quote it to say the same to all."
    SAME_TARGET "M0602" Warning "two deployments of an item on the same target"
        "Two deployments of equal rank are for the same item on the same target (DEP-22). If they say the same, one can go; if not, neither will win anywhere."
    NEVER_WINS "M0603" Warning "deployment that never wins"
        "Another deployment is for the same item on the same target and goes before this one wherever it counts, by its layer or its priority. Deployments that lose contribute nothing (RES-1)."
    NEVER_WINS_HERE "M0604" Warning "deployment that wins on no computer"
        "The deployment reaches computers, and on each of them another one wins. That shows only in a plan of everything; the winners are named. A computer that appears later can be one on which it wins."
    ORPHAN_CONFIGURATION "M0605" Warning "configuration task without its software"
        "The task is the configuration of software that nobody deploys or needs, so it never follows an install; or it is deployed alone, and sets up what is not there (TSK-12)."
    SHORT_CONTAINS "M0606" Warning "short contains pattern"
        "A pattern of one to three letters is contained in the names of other software too. What is taken for this software is updated and removed as this software (SW-2, SW-8). Anchor the name with a regular expression."
    UNUSED "M0607" Warning "object that nothing uses"
        "No document refers to this target, script, task, software or licence. Standing in an Order is no use. Objects of a library are not told."
    FORGOTTEN_SCRIPT "M0608" Warning "script file that no document names"
        "A file with the ending of a script lies beside software, tasks or scripts, and none of them names it. It never runs."
    ENDED_HOLD "M0609" Warning "hold that has ended"
        "The day of the hold has come: it holds no longer, and what it held back is done again. What is left of it misleads whoever reads the file (TGT-15)."
    NOT_INSTALLABLE "M0610" Warning "deployed software without an install script"
        "The deployment only tells where the software is missing. Enforced, it could not be installed, as the software has no install script for any version."
    IDLE_PRIORITY "M0611" Warning "priority that decides nothing"
        "Priority decides only between deployments of the same item and layer whose targets have the same scope. There is none here. A priority does not lift a deployment over one with a narrower target."
    IDLE_ALLOWANCE "M0612" Warning "allowed warning that is not there"
        "The document allows a warning that is not given about it. Take it out, so that the warning is seen if it comes back."
    TARGET_MATCHES_NOTHING "M0701" Warning "target matches no computer"
        "The expression is valid and selects none of the known computers. A computer that appears later can match it."
    AMBIGUOUS "M0702" Error "two deployments win"
        "Two deployments of equal rank want different things of the same item on the same computers. Give one a higher priority, narrow one, or set ignored (RES-8). Both places are shown."
    DUPLICATE_DEPLOYMENT "M0703" Warning "two deployments say the same"
        "Two deployments of equal rank want the same of the same item on the same computers. One of them can go (DEP-22)."
    PREREQUISITE_CONFLICT "M0704" Error "prerequisite contradicts a deployment"
        "A software needs another one that its own winning deployment declares absent or ignored on these computers (PRE-13)."
    COMPUTER_NOT_FOUND "M0705" Warning "computer not found"
        "A Computer document or a selector names a computer that no provider lists."
    PREREQUISITE_UNDOES "M0710" Error "prerequisite that ends its own reason"
        "Through other software a prerequisite makes its own condition untrue, and without it the condition is true again. Every plan would undo the one before; so nothing is done for the software on these computers (PRE-4, PRE-5)."
    GROUP_NOT_FOUND "M0720" Error "directory group not found"
        "A target names a group that its directory was read without. Such a group is neither empty nor everybody: nothing is known of its members until the name is corrected (TGT-16)."
    NAME_NOT_UNIQUE "M0721" Error "name that several have"
        "A target names a person or group by a name that several have in the directory. None of them is selected for certain. Write the person's UPN or the group's id."
    COMPANY_NOT_FOUND "M0722" Warning "company not found in the PSA"
        "A tenant names a company that its PSA was read without. Nothing is known of its agreements, so no target selects its computers by them, nor by their absence."
    NAME_NOT_FOUND "M0723" Warning "nothing of this name is known"
        "A target names a person, site, or group or property of a provider that no source knows. It selects no computer."
    EXEMPTION_NOT_FOUND "M0760" Warning "nobody knows whom a `not` leaves out"
        "Below a `not` a target names a computer, person, site, or group or property of a provider that no source knows. Taken at its word it would leave out nobody and reach those who were meant to be spared. So nothing is known of its members until the name is corrected or taken out (TGT-16)."
    EXEMPT_TAG "M0761" Warning "nobody has the tag that a `not` leaves out"
        "Below a `not` a target names a tag that nobody has, while some have one that is nearly the same. A tag may be nobody's by right; a mistyped one reaches those who were meant to be spared."
    RING_SPELLINGS "M0775" Warning "one name of a ring in two spellings"
        "Two rings have names that differ in capitals alone. These are two orders of all computers, so parts of the one and of the other overlap and leave gaps. Write the name in one way."
    PLAN_INTERRUPTED "M0776" Warning "interrupted plan"
        "The run was interrupted while computers were looked at. The plan holds what was known by then, and is no answer to what an apply would do."
    BUDGET "M0801" Error "budget exceeded"
        "The plan does more than a budget of the Instance allows. Split the rollout, raise the budget in a reviewed commit, or set it aside for one run with --override BUDGET --reason TEXT."
    GUARDRAIL "M0802" Error "guardrail"
        "A guardrail denies the plan or a document. Change what it denies, add a dated Exception with an owner, or set it aside for one run with --override NAME --reason TEXT where the guardrail allows that."
    PROTECTED "M0803" Error "protected"
        "The plan uninstalls something that is protected. The protection holds also after its line is deleted; --override protection --reason TEXT sets it aside, and an apply with it releases what is not declared any more."
    EXPRESSION "M0804" Error "expression that cannot be used"
        "The CEL expression cannot be read, names something that its subject does not have, or compares what can never be equal. The vocabulary is in docs/reference/policies.md."
    GUARDRAIL_CASE "M0805" Error "case of a guardrail fails"
        "The guardrail does not say of these facts what the case expects. One of the two is wrong."
    EXCEPTION_EXPIRED "M0806" Error "expired exception"
        "The exception would set a guardrail aside and has expired. Renew it in a reviewed commit, or change what the guardrail denies. Where it is not needed, delete it."
    EXCEPTION_UNUSED "M0807" Warning "exception that matches nothing"
        "The guardrail denies nothing that the exception is for, so the exception is not needed any more. Delete it."
    OVERRIDE_UNUSED "M0808" Warning "override that was not needed"
        "Nothing had to be set aside. Leave the option out, so that it does not hide what appears later."
    EXCEPTION_CANNOT_MATCH "M0809" Error "exception that cannot match"
        "The guardrail is asked about something that has no such subjects, so the exception would never hold."
    PROTECTION_GONE "M0810" Warning "protection without its declaration"
        "Something was protected and is not declared as protected any more. It stays protected until an apply with --override protection --reason TEXT releases it."
    EXCEPTION_AMBIGUOUS "M0811" Warning "exception for a name that several computers have"
        "An exception names a computer by what fits several, of any tenant. It exempts none of them. Write provider/name, or the computer's id."
    GUARDRAIL_NAME "M0830" Error "guardrail called like another rule"
        "Budgets and protections are set aside by name, as guardrails are. A guardrail of the same name would be set aside together with them."
    BUDGET_MINIMUM "M0831" Warning "budget that allows more than it says"
        "A share of 0 percent without `minimum` still allows one, as the minimum is 1. Write `count: 0` to allow none, or say `minimum: 1`."
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_registry_is_sorted_unique_and_documented() {
        for pair in REGISTRY.windows(2) {
            assert!(pair[0].code < pair[1].code, "{} before {}", pair[0].code, pair[1].code);
        }
        for info in REGISTRY {
            assert_eq!(info.code.info().code, info.code);
            assert!(info.code.0.len() == 5 && info.code.0.starts_with('M'), "{}", info.code);
            assert!(info.text.len() > 40 && info.text.ends_with('.'), "{}", info.code);
            assert!(!info.title.ends_with('.'), "{}", info.code);
        }
    }
}
