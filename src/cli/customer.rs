//! `warmline customer`: who the callers are. PINs come by stdin or in a file, and are kept as hashes.

use std::fs;
use std::path::Path;
use std::path::PathBuf;

use clap::Args;
use clap::Subcommand;
use serde_json::json;

use crate::base::Secret;
use crate::cli::DataArg;
use crate::cli::Format;
use crate::cli::ask;
use crate::cli::flow::FlowsArg;
use crate::cli::show;
use crate::cli::table::table;
use crate::cli::trouble::Trouble;
use crate::server::load;
use crate::store::NewCustomer;
use crate::store::Store;
use crate::store::StoreError;
use crate::store::customers::ListedCustomer;
use crate::store::story;
use crate::store::view::rfc3339;

/// The columns of an import, in this order, named in the first line.
const COLUMNS: &str = "account,name,pin,numbers,name_prompt";
/// One more, where dates of birth are known.
const BIRTH_DATE: &str = ",birth_date";

#[derive(Debug, Subcommand)]
pub(super) enum CustomerCommand {
    /// List the customers
    List {
        #[command(flatten)]
        data: DataArg,
        #[command(flatten)]
        flows: FlowsArg,
        /// Text for people, JSON for programs
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Add a customer; the PIN is asked for, or read from stdin
    Add(AddArgs),
    /// Add the customers of a CSV file, all or none
    ///
    /// The first line is `account,name,pin,numbers,name_prompt`, with `,birth_date` behind it where dates of birth
    /// (1980-12-24) are known; several numbers are separated by spaces, all after the PIN may be empty. Keep the file no longer than you must: it holds PINs.
    Import(ImportArgs),
    /// Remove a customer, with their numbers; what the history says of them stays
    Remove {
        /// The account number
        account: String,
        #[command(flatten)]
        data: DataArg,
    },
    /// Open an account again that wrong PINs have locked, before its half hour is over
    Unlock {
        /// The account number
        account: String,
        #[command(flatten)]
        data: DataArg,
    },
}

#[derive(Debug, Args)]
pub(super) struct ImportArgs {
    file: PathBuf,
    #[command(flatten)]
    data: DataArg,
    #[command(flatten)]
    recordings: PromptsArg,
}

/// Where recordings of names are.
#[derive(Debug, Args)]
struct PromptsArg {
    /// The prompts, in which recordings of names are looked for
    #[arg(long, value_name = "DIR", default_value = "./prompts")]
    prompts: PathBuf,
}

#[derive(Debug, Args)]
pub(super) struct AddArgs {
    /// The account number, which callers key in
    account: String,
    name: String,
    /// A calling number that is this customer's; may be given several times
    #[arg(long = "number", value_name = "NUMBER")]
    numbers: Vec<String>,
    /// The prompt that says the name: names/ann
    #[arg(long, value_name = "PROMPT")]
    name_prompt: Option<String>,
    /// The date of birth, which callers may prove themselves with: 1980-12-24
    #[arg(long, value_name = "DATE")]
    birth_date: Option<String>,
    #[command(flatten)]
    data: DataArg,
    #[command(flatten)]
    recordings: PromptsArg,
}

/// `warmline customer …`
pub(super) fn run(command: CustomerCommand) -> Result<(), Trouble> {
    match command {
        CustomerCommand::List { data, flows, format } => {
            list(&Store::open_existing(&data.data)?, &flows, format)
        }
        CustomerCommand::Add(args) => add(args),
        CustomerCommand::Import(args) => import(&args, &Store::open(&args.data.data)?),
        CustomerCommand::Remove { account, data } => remove(&account, &Store::open_existing(&data.data)?),
        CustomerCommand::Unlock { account, data } => unlock(&account, &Store::open_existing(&data.data)?),
    }
}

fn remove(account: &str, store: &Store) -> Result<(), Trouble> {
    store.remove_customer(account)?;
    eprintln!("removed account {account}; calls that know it already go on with it");
    Ok(())
}

fn unlock(account: &str, store: &Store) -> Result<(), Trouble> {
    match store.unlock_customer(account)? {
        true => eprintln!("account {account} is open: no wrong PIN counts any more"),
        false => eprintln!("account {account} was not locked, and no wrong PIN was counted"),
    }
    Ok(())
}

fn list(store: &Store, flows: &FlowsArg, format: Format) -> Result<(), Trouble> {
    let customers = store.customers()?;
    if format == Format::Json {
        let view = |c: &ListedCustomer| {
            json!({
                "account": c.customer.account, "name": c.customer.name, "name_prompt": c.customer.name_prompt,
                "numbers": c.numbers, "failed_in_row": c.failed_in_row,
                "locked_until": c.locked_until.map(rfc3339),
            })
        };
        say!("{:#}", json!({ "customers": customers.iter().map(view).collect::<Vec<_>>() }));
        return Ok(());
    }
    if customers.is_empty() {
        eprintln!(
            "no customers; `warmline serve` makes those of the demo center, `warmline customer add` others"
        );
        return Ok(());
    }
    let zone = flows.zone();
    let row = |c: &ListedCustomer| {
        vec![
            c.customer.account.clone(),
            c.customer.name.clone(),
            c.numbers.join(" "),
            c.failed_in_row.to_string(),
            c.locked_until.map(|until| story::date_and_clock(until, &zone)).unwrap_or_default(),
        ]
    };
    let rows: Vec<_> = customers.iter().map(row).collect();
    show(table(&["account", "name", "numbers", "wrong PINs", "locked until"], &rows));
    Ok(())
}

fn add(args: AddArgs) -> Result<(), Trouble> {
    let store = Store::open(&args.data.data)?;
    let pin = ask::new_secret("PIN")?;
    let AddArgs { account, name, numbers, name_prompt, birth_date, data: _, recordings } = args;
    let birth_date = birth_date.map(Secret::new);
    let new = [NewCustomer { account: account.clone(), name, name_prompt, numbers, pin, birth_date }];
    let notes = notes(&new, &store, &recordings.prompts)?;
    store.add_customer(&new[0])?;
    eprintln!("added account {account}");
    notes.iter().for_each(|(_, note)| eprintln!("note: {note}"));
    Ok(())
}

fn import(args: &ImportArgs, store: &Store) -> Result<(), Trouble> {
    let shown = args.file.display();
    let failed = |error| Trouble::new(format!("{shown} cannot be read: {error}"));
    let bytes = fs::read(&args.file).map_err(failed)?;
    let (lines, customers) = looked_over(&bytes, store).map_err(|wrong| wrong.told(&args.file))?;
    let notes = notes(&customers, store, &args.recordings.prompts)?;
    store.import_customers(&customers)?;
    eprintln!("added {} customers", customers.len());
    notes.iter().for_each(|(place, note)| eprintln!("note: {shown}:{}: {note}", lines[*place]));
    Ok(())
}

/// Why nobody was added.
#[derive(Debug)]
enum Wrong {
    /// Each thing with its line, by line.
    Lines(Vec<(usize, String)>),
    Store(StoreError),
}

impl From<StoreError> for Wrong {
    fn from(error: StoreError) -> Wrong {
        Wrong::Store(error)
    }
}

impl Wrong {
    fn told(self, file: &Path) -> Trouble {
        let problems = match self {
            Wrong::Store(error) => return error.into(),
            Wrong::Lines(problems) => problems,
        };
        let hint = match problems.first() {
            Some((1, _)) => format!("it is {COLUMNS}, with {BIRTH_DATE} behind it where dates of birth are known"),
            _ => "nobody was added; a field with a comma in it stands between quotes; several numbers are separated by spaces"
                .to_owned(),
        };
        let line = |(line, problem): &(usize, String)| format!("{}:{line}: {problem}", file.display());
        Trouble::new(problems.iter().map(line).collect::<Vec<_>>().join("\n")).hint(hint)
    }
}

/// The customers of a file, each with its line; or all that is wrong with it.
fn looked_over(bytes: &[u8], store: &Store) -> Result<(Vec<usize>, Vec<NewCustomer>), Wrong> {
    let text = String::from_utf8_lossy(bytes);
    let (rows, mut problems) = parse(&text).map_err(|error| Wrong::Lines(vec![(1, error)]))?;
    let (lines, customers): (Vec<usize>, Vec<NewCustomer>) = rows.into_iter().unzip();
    let of_customers = store.customer_problems(&customers)?;
    problems.extend(of_customers.into_iter().map(|(place, problem)| (lines[place], problem)));
    problems.sort_by_key(|(line, _)| *line);
    if problems.is_empty() { Ok((lines, customers)) } else { Err(Wrong::Lines(problems)) }
}

/// What somebody should know of new customers, each with its place among them: none of it is wrong.
fn notes(new: &[NewCustomer], store: &Store, prompts: &Path) -> Result<Vec<(usize, String)>, StoreError> {
    let shared = store.shared_numbers(new)?.into_iter().map(|(place, number, other)| {
        (place, format!("{number} is account {other}'s as well: who calls from it is recognised as neither"))
    });
    let mut notes: Vec<(usize, String)> = shared.collect();
    let known = load::prompts(prompts).map(|(known, _)| known);
    for (place, name) in
        new.iter().enumerate().filter_map(|(place, one)| Some((place, one.name_prompt.as_deref()?)))
    {
        match &known {
            Ok(known) if known.has_in_some(name) => {}
            Ok(_) => notes.push((place, format!("{name} is not recorded: callers hear no name until it is"))),
            Err(error) => {
                notes.push((place, format!("whether {name} is recorded cannot be told: {error}")));
                break;
            }
        }
    }
    notes.sort_by_key(|(place, _)| *place);
    Ok(notes)
}

/// Things of a file, each with its line.
type Lined<T> = Vec<(usize, T)>;

/// The customers of a CSV text, and the lines that are wrong, and why; or what is wrong with its first line.
fn parse(text: &str) -> Result<(Lined<NewCustomer>, Lined<String>), String> {
    let mut lines = text.trim_start_matches('\u{feff}').lines().enumerate();
    let head = lines.next().map_or("", |(_, head)| head.trim());
    if head.contains(';') && head.replace(';', ",").starts_with(COLUMNS) {
        return Err("the columns are separated by semicolons, and commas are wanted".to_owned());
    }
    if head.strip_suffix(BIRTH_DATE).unwrap_or(head) != COLUMNS {
        return Err("the first line does not name the columns".to_owned());
    }
    let columns = head.split(',').count();
    let (mut rows, mut problems) = (Vec::new(), Vec::new());
    for (place, line) in lines.filter(|(_, line)| !line.trim().is_empty()) {
        match row(line, columns) {
            Ok(customer) => rows.push((place + 1, customer)),
            Err(error) => problems.push((place + 1, error)),
        }
    }
    Ok((rows, problems))
}

fn row(line: &str, columns: usize) -> Result<NewCustomer, String> {
    if line.contains(char::REPLACEMENT_CHARACTER) {
        return Err("this line is not in UTF-8: save the file as \"CSV UTF-8\"".to_owned());
    }
    let mut fields = fields(line)?;
    // The line itself stays out of the message: it holds a PIN.
    if fields.len() != columns {
        return Err(format!("{columns} columns are wanted, got {}", fields.len()));
    }
    fields.resize(COLUMNS.split(',').count() + 1, String::new());
    let filled = |field: &mut String| Some(std::mem::take(field)).filter(|field| !field.is_empty());
    Ok(NewCustomer {
        account: std::mem::take(&mut fields[0]),
        name: std::mem::take(&mut fields[1]),
        pin: Secret::new(std::mem::take(&mut fields[2])),
        numbers: fields[3].split_whitespace().map(str::to_owned).collect(),
        name_prompt: filled(&mut fields[4]),
        birth_date: filled(&mut fields[5]).map(Secret::new),
    })
}

/// The fields of one CSV line (RFC 4180, but for line ends within a field).
fn fields(line: &str) -> Result<Vec<String>, String> {
    let mut fields = vec![String::new()];
    let mut quoted = false;
    let mut chars = line.trim_end_matches('\r').chars().peekable();
    while let Some(c) = chars.next() {
        // There is one field from the start, and fields are only added.
        let field = fields.last_mut().expect("there is a field");
        match c {
            '"' if quoted && chars.next_if_eq(&'"').is_some() => field.push('"'),
            '"' if quoted => quoted = false,
            '"' if field.is_empty() => quoted = true,
            ',' if !quoted => fields.push(String::new()),
            c => field.push(c),
        }
    }
    if quoted { Err("a quote is not closed".to_owned()) } else { Ok(fields) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Lined<NewCustomer> {
        let (rows, problems) = parse(text).unwrap();
        assert_eq!(problems, []);
        rows
    }

    #[test]
    fn a_csv_file_is_read_with_its_quotes() {
        let text =
            "account,name,pin,numbers,name_prompt\r\n100500,\"Dee, \"\"D\"\"\",1234,+1202 +1203,\r\n\r\n";
        let customers = read(text);
        assert_eq!(customers.len(), 1);
        let (line, dee) = &customers[0];
        assert_eq!((*line, dee.name.as_str(), dee.pin.expose()), (2, "Dee, \"D\"", "1234"));
        assert_eq!(dee.numbers, ["+1202", "+1203"]);
        assert_eq!(dee.name_prompt, None);
    }

    #[test]
    fn dates_of_birth_are_a_column_more() {
        let text = format!("{COLUMNS}{BIRTH_DATE}\n1,Ann,4711,,,1980-02-29\n2,Ben,4712,,,\n");
        let dates: Vec<Option<Secret>> = read(&text).into_iter().map(|(_, one)| one.birth_date).collect();
        assert_eq!(dates, [Some(Secret::new("1980-02-29")), None]);
        let short = format!("{COLUMNS}{BIRTH_DATE}\n1,Ann,4711,,\n");
        assert_eq!(parse(&short).unwrap().1, [(2, "6 columns are wanted, got 5".to_owned())]);
    }

    /// What an import into a store with the demo's customers says, each line from its line's number on; the hint apart.
    fn told(text: &[u8]) -> (Vec<String>, String) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        store.seed_demo_customers().unwrap();
        let before = store.customers().unwrap();
        let file = folder.path().join("c.csv");
        fs::write(&file, text).unwrap();
        let (data, recordings) = (folder.path().to_owned(), folder.path().to_owned());
        let (data, recordings) = (DataArg { data }, PromptsArg { prompts: recordings });
        let error = import(&ImportArgs { file, data, recordings }, &store).unwrap_err().to_string();
        assert_eq!(store.customers().unwrap(), before, "nobody is added");
        let (lines, hint) = error.split_once("\n\nhint: ").unwrap();
        let lines = lines.lines().map(|line| line.split("c.csv:").nth(1).unwrap_or_default().to_owned());
        (lines.collect(), hint.to_owned())
    }

    #[test]
    fn what_is_wrong_with_a_file_is_told_and_what_to_do_is_something_else() {
        let (lines, hint) = told(b"account,name\n");
        assert_eq!(lines, ["1: the first line does not name the columns"]);
        assert_eq!(
            hint,
            format!("it is {COLUMNS}, with {BIRTH_DATE} behind it where dates of birth are known\n")
        );
        let (lines, hint) = told(format!("{COLUMNS}\n1,Ann\n").as_bytes());
        assert_eq!(lines, ["2: 5 columns are wanted, got 2"]);
        assert!(
            hint.starts_with("nobody was added; a field with a comma in it stands between quotes"),
            "{hint}"
        );
        assert!(told(COLUMNS.replace(',', ";").as_bytes()).0[0].contains("separated by semicolons"));
    }

    #[test]
    fn all_that_is_wrong_with_a_file_is_told_at_once_each_with_its_line_and_no_pin() {
        let mut text = format!(
            "{COLUMNS}\n100500,Dee,12,,\n100501,,1234,,\n\n100200,Ann,1234,,\n100502,Eve,1234,+49 (0)30 1234,\n\
             100502,Eva,9876543210123,,\n1,Ben,4712\n"
        )
        .into_bytes();
        text.extend(b"100503,M\xfcller,1234,,\n");
        let (lines, _) = told(&text);
        let expected = [
            "2: the PIN of account 100500 must be 4 to 12 digits",
            "3: account 100501 needs a name",
            "5: account 100200 is there already",
            "6: account 100502: \"+49\" is too short: several numbers have spaces between them, and none within",
            "7: the PIN of account 100502 must be 4 to 12 digits",
            "7: account 100502 is in this file already",
            "8: 5 columns are wanted, got 3",
            "9: this line is not in UTF-8: save the file as \"CSV UTF-8\"",
        ];
        assert_eq!(lines, expected);
    }

    #[test]
    fn a_number_that_two_have_and_a_name_that_nobody_recorded_are_no_faults_but_told() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        store.seed_demo_customers().unwrap();
        let new = read(&format!(
            "{COLUMNS}\n1,Zoe,1234,+12025550143,names/zoe\n2,Dan,1234,+1(0)202,names/ann\n3,Fay,1234,+1202,\n"
        ));
        let (_, new): (Vec<usize>, Vec<NewCustomer>) = new.into_iter().unzip();
        let prompts = Path::new(env!("CARGO_MANIFEST_DIR")).join("prompts");
        let told = notes(&new, &store, &prompts).unwrap();
        let words: Vec<String> = told.iter().map(|(place, note)| format!("{place} {note}")).collect();
        assert_eq!(
            words,
            [
                "0 +12025550143 is account 100200's as well: who calls from it is recognised as neither",
                "0 names/zoe is not recorded: callers hear no name until it is",
                "2 +1202 is account 2's as well: who calls from it is recognised as neither",
            ]
        );
    }

    #[test]
    fn an_open_quote_is_told() {
        assert!(fields("\"open").is_err());
    }
}
