package cli

import (
	"cmp"
	"os"
	"os/user"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"hyperlake/cmd/hyperlake/internal/schedule"
	"hyperlake/internal/failure"
	"hyperlake/internal/storage"
	"hyperlake/pipelines/config"
)

// scheduleFlags are those of schedule; all others that it takes are passed on to run.
type scheduleFlags struct {
	set *pflag.FlagSet

	platform string
	at       string
	days     string
	spread   string
	deadline string
	program  string
	user     string
	image    string
	output   string
}

// maxSpread is how much later than it was told a night may begin.
const maxSpread = 12 * time.Hour

// scheduledLockWait is how long a scheduled run waits for another one to the same output, unless --lock-wait says otherwise.
const scheduledLockWait = "30m"

func (a *app) scheduleCommand() *cobra.Command {
	flags := &scheduleFlags{set: pflag.NewFlagSet("schedule", pflag.ContinueOnError)}
	cmd := a.withNightFlags(&cobra.Command{
		Use:   "schedule CONFIG [-- BEAM_FLAG…]",
		Short: "Print what has systemd, cron, Kubernetes and others run a configuration every night",
		Long: `Print the files with which a platform runs a configuration every night: units of systemd, a line for a
crontab, a LaunchAgent of macOS, a task of Windows, a CronJob of Kubernetes, a DAG of Airflow, a workflow of GitHub.
Nothing is installed; comments in them say how to, and where the platform keeps secrets, of which none is printed.

--at is a time in the configuration's timezone. The flags that run has are written into the command, which runs in this
folder. Nights never overlap, a night that was missed is made up for where the platform can, and a platform tries nothing again.`,
		Example: `  hyperlake schedule orders.yaml --as systemd --at 02:30 --output /etc/systemd/system
  hyperlake schedule orders.yaml --as cron --at 02:30 --days mon-fri --var REGION=emea
  hyperlake schedule orders.yaml --as k8s --at 02:30 --image registry.example.com/hyperlake:1.0 > cronjob.yaml`,
		Args: configAndBeamFlags,
	})
	set := flags.set
	set.StringVar(&flags.platform, "as", "", "print for this `platform`: "+strings.Join(schedule.Platforms(), ", "))
	set.StringVar(&flags.at, "at", "", "run at this `time`, such as 02:30 in the timezone of the configuration, or 00:30Z in UTC")
	set.StringVar(&flags.days, "days", "", "run on these `days` only, such as mon-fri or mon,thu")
	set.StringVar(&flags.spread, "spread", "10m", "begin up to this `time` later, so that nights do not all begin at once; 0s: exactly then")
	set.StringVar(&flags.deadline, "deadline", "12h", "have the platform end a run that takes longer than this `time`, where it can")
	set.StringVar(&flags.program, "program", "", "absolute `path` of hyperlake where it will run; this program if it is not given")
	set.StringVar(&flags.user, "user", "", "`account` that systemd runs it as; you if it is not given")
	set.StringVar(&flags.image, "image", "", "`image` with hyperlake, for k8s and github; see docs/containers.md")
	set.StringVarP(&flags.output, "output", "o", "", "write the files into this `folder`, that has none of them, instead of printing them")
	cmd.Flags().AddFlagSet(set)
	cmd.Flags().Lookup("lock-wait").DefValue = scheduledLockWait
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if !cmd.Flags().Changed("lock-wait") {
			a.flags.lockWait = scheduledLockWait
		}
		night, err := a.night(flags, cmd.Flags(), args)
		if err != nil {
			return err
		}
		files, err := schedule.Write(flags.platform, *night)
		if err != nil {
			return err
		}
		return a.giveFiles(files, flags.output)
	}
	return cmd
}

// night is what is to be scheduled, by the flags and the configuration, which are checked as run checks them.
func (a *app) night(flags *scheduleFlags, all *pflag.FlagSet, args []string) (*schedule.Night, error) {
	for _, name := range []string{"as", "at"} {
		if !all.Changed(name) {
			return nil, failure.New(failure.Usage, "--%s is missing", name).
				WithHint("for example: hyperlake schedule %s --as systemd --at 02:30", args[0])
		}
	}
	cfg, err := a.flags.load(args[0])
	if err != nil {
		return nil, err
	}
	if _, err := a.checkNight(cfg); err != nil {
		return nil, err
	}
	night := &schedule.Night{
		Name: cfg.Name, Publishes: cfg.Publish != nil, Variables: cfg.Variables(), Image: flags.image, Zone: cmp.Or(string(cfg.Timezone), "UTC"),
	}
	if err := flags.when(night); err != nil {
		return nil, err
	}
	if err := flags.where(night, args[0]); err != nil {
		return nil, err
	}
	night.Flags = runFlags(flags, all, args[1:])
	a.warnOfNight(flags, cfg, night)
	return night, nil
}

// when says when the night runs, and for how long.
func (f *scheduleFlags) when(night *schedule.Night) error {
	var inUTC bool
	var err error
	if night.At, inUTC, err = schedule.ParseClock(f.at); err != nil {
		return err
	}
	if inUTC {
		night.Zone = "UTC"
	}
	if night.Days, err = schedule.ParseDays(f.days); err != nil {
		return err
	}
	if night.Spread, err = flagSpan("--spread", f.spread); err != nil {
		return err
	}
	if night.Spread > maxSpread {
		return failure.New(failure.Usage, "--spread %s is longer than a night", f.spread).WithHint("give it some minutes, such as 30m")
	}
	if night.Deadline, err = flagSpan("--deadline", f.deadline); err != nil {
		return err
	}
	if night.Deadline < time.Minute {
		return failure.New(failure.Usage, "--deadline %s is too short for a run", f.deadline).WithHint("give it some hours")
	}
	return nil
}

// where says where the program and the configuration are, where it runs.
func (f *scheduleFlags) where(night *schedule.Night, file string) error {
	absolute, err := filepath.Abs(file)
	if err != nil {
		return failure.New(failure.Usage, "%w", err)
	}
	if schedule.InContainer(f.platform) {
		if f.image == "" {
			return failure.New(failure.Usage, "--as %s needs --image", f.platform).
				WithHint("docs/containers.md says how to build one, such as registry.example.com/hyperlake:1.0")
		}
		night.Program, night.Config = schedule.ProgramInImage, schedule.ConfigInPod
		if f.platform == schedule.GitHub {
			night.Config, err = pathInRepository(absolute)
		}
		return err
	}
	night.Program, night.Config, night.User = f.program, absolute, f.user
	if night.Program == "" {
		if night.Program, err = os.Executable(); err != nil {
			return failure.New(failure.Usage, "find this program: %w", err).WithHint("name it with --program")
		}
	}
	if f.platform != schedule.Windows && !path.IsAbs(night.Program) {
		return failure.New(failure.Usage, "%s is no absolute path of a program on %s", night.Program, f.platform).
			WithHint("name the path of hyperlake there with --program")
	}
	if night.User == "" {
		if self, err := user.Current(); err == nil {
			night.User = cmp.Or(self.Username, self.Uid)
		}
	}
	if night.Folder, err = os.Getwd(); err != nil {
		return failure.New(failure.Usage, "find the working folder: %w", err)
	}
	return nil
}

// pathInRepository is the path of a file, with slashes, in the repository of git that it stands in.
func pathInRepository(file string) (string, error) {
	for folder := filepath.Dir(file); ; folder = filepath.Dir(folder) {
		if _, err := os.Lstat(filepath.Join(folder, ".git")); err == nil {
			relative, err := filepath.Rel(folder, file)
			if relative = filepath.ToSlash(relative); strings.HasPrefix(relative, "-") { // which would be a flag
				relative = "./" + relative
			}
			return relative, err
		}
		if folder == filepath.Dir(folder) {
			return "", failure.New(failure.Usage, "%s stands in no repository of git: GitHub runs what does", file).
				WithHint("put the configuration into the repository that is to run it")
		}
	}
}

// runFlags are what stands behind the configuration in the command: the flags that were given, and what suits the platform.
func runFlags(flags *scheduleFlags, all *pflag.FlagSet, beamFlags []string) []string {
	words := []string{"--lock-wait", all.Lookup("lock-wait").Value.String()}
	switch {
	case all.Changed("log-format"), all.Changed("quiet"):
	case slices.Contains([]string{"systemd", schedule.Kubernetes}, flags.platform): // which collect lines
		words = append(words, "--log-format", formatJSON)
	case flags.platform == schedule.Cron: // which mails them
		words = append(words, "--quiet")
	}
	all.Visit(func(flag *pflag.Flag) {
		several, isList := flag.Value.(pflag.SliceValue)
		switch {
		case flags.set.Lookup(flag.Name) != nil, slices.Contains([]string{"json", "lock-wait"}, flag.Name):
		case isList:
			for _, value := range several.GetSlice() {
				words = append(words, "--"+flag.Name, value)
			}
		case flag.Value.Type() == "bool":
			words = append(words, "--"+flag.Name+"="+flag.Value.String())
		default:
			words = append(words, "--"+flag.Name, flag.Value.String())
		}
	})
	if len(beamFlags) > 0 {
		words = append(append(words, "--"), beamFlags...)
	}
	return words
}

// warnOfNight tells of what is not wrong, but hardly meant.
func (a *app) warnOfNight(flags *scheduleFlags, cfg *config.Config, night *schedule.Night) {
	if zone, err := time.LoadLocation(night.Zone); err == nil {
		if odd := night.Odd(time.Now(), zone); odd != "" {
			a.log.Warn("the time "+night.At.String()+" "+odd+", when clocks are changed; platforms differ in what they do then",
				"timezone", night.Zone)
		}
	}
	if a.flags.date != "" {
		a.log.Warn("every night runs as on the same day", "date", a.flags.date)
	}
	systems := map[string]string{schedule.Windows: "windows", schedule.Launchd: "darwin"}
	if system := systems[flags.platform]; system != "" && system != runtime.GOOS {
		a.log.Warn("the paths of the configuration and of the working folder are those of this machine: change them",
			"as", flags.platform)
	}
	if !schedule.InContainer(flags.platform) {
		return
	}
	type place struct{ what, path string }
	places := []place{{"output", cfg.Output.Path}, {"state", cfg.StateFolder()}}
	if cfg.IngestsOnly() {
		places = nil
		for _, entry := range cfg.Ingest {
			places = append(places, place{"folder of the lake", entry.To})
		}
	}
	for _, place := range places {
		if storage.IsLocal(place.path) {
			a.log.Warn("the "+place.what+" is in the container, and gone after the run: put it on object storage, or on a volume",
				"path", place.path)
		}
	}
}

// giveFiles prints files on stdout, or writes those that are not there yet into a folder.
func (a *app) giveFiles(files []schedule.File, folder string) error {
	if folder != "" {
		for _, file := range files {
			if _, err := os.Lstat(filepath.Join(folder, file.Name)); err == nil { // before any is written
				return failure.New(failure.Usage, "%s exists already", filepath.Join(folder, file.Name)).
					WithHint("name another folder, or remove it first")
			}
		}
		for _, file := range files {
			if err := writeNew(filepath.Join(folder, file.Name), file.Text); err != nil {
				return err
			}
			a.say("%s", visible(filepath.Join(folder, file.Name)))
		}
		return nil
	}
	if a.flags.json {
		return a.printJSON(map[string]any{"files": files})
	}
	for i, file := range files {
		if i > 0 {
			file.Text = "\n" + file.Text
		}
		if err := a.printAsIs(file.Text); err != nil {
			return err
		}
	}
	return nil
}
