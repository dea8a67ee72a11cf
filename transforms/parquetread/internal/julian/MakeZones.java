import java.time.LocalDate;
import java.time.ZoneId;
import java.util.Arrays;
import java.util.Calendar;
import java.util.GregorianCalendar;
import java.util.List;
import java.util.ArrayList;
import java.util.Map;
import java.util.Set;
import java.util.TimeZone;
import java.util.TreeMap;
import java.util.TreeSet;
import org.apache.spark.sql.catalyst.util.RebaseDateTime;

/**
 * Makes zones.txt by asking Spark for every time zone where timestamps move from one calendar
 * to the other: java -cp 'FOLDER OF pyspark 4.0.0/jars/*' MakeZones.java > zones.txt
 */
public class MakeZones {
    static final long DAY = 86400;
    static final long CUTOVER = -141427 * DAY; // 1582-10-15 in UTC
    static final long LAST = -2208988800L; // 1900-01-01 in UTC, from which on nothing moves

    static final Set<Long> TURNS = new TreeSet<>(); // the days that move otherwise than the day before

    static {
        for (long day = -719100; day < -141427; day++) {
            if (days(day) != days(day - 1)) {
                TURNS.add(day);
            }
        }
    }

    /** By how many seconds Spark moves a second. */
    static long move(String zone, long second) {
        long micros = second * 1_000_000;
        return (RebaseDateTime.rebaseJulianToGregorianMicros(zone, micros) - micros) / 1_000_000;
    }

    /** The first second after low, and not after high, that moves otherwise than low does. */
    static long change(String zone, long low, long high) {
        long moved = move(zone, low);
        while (high - low > 1) {
            long middle = (low + high) / 2;
            if (move(zone, middle) == moved) {
                low = middle;
            } else {
                high = middle;
            }
        }
        return high;
    }

    /** By how many days a day of the years from 1 to 1582 moves. */
    static long days(long day) {
        GregorianCalendar hybrid = new GregorianCalendar(TimeZone.getTimeZone("UTC"));
        hybrid.setTimeInMillis(day * DAY * 1000);
        LocalDate first = LocalDate.of(hybrid.get(Calendar.YEAR), hybrid.get(Calendar.MONTH) + 1, 1);
        return first.toEpochDay() + hybrid.get(Calendar.DAY_OF_MONTH) - 1 - day;
    }

    /** The offset of the zone, what its oldest timestamps move besides their days, and what others move from when on. */
    static String line(String zone) {
        long cutover = CUTOVER - 16 * 3600;
        while (Math.abs(move(zone, cutover) - move(zone, cutover + 3600)) < DAY) {
            cutover += 3600;
        }
        cutover = change(zone, cutover, cutover + 3600);
        long offset = CUTOVER - cutover;
        long before = move(zone, cutover);
        StringBuilder line = new StringBuilder(offset + " " + before);
        for (long second = cutover; second + DAY < LAST; ) {
            long next = Math.min(second + DAY, LAST - 1);
            if (move(zone, next) == move(zone, second)) {
                second = next;
                continue;
            }
            second = change(zone, second, next);
            line.append(" ").append(second).append(":").append(move(zone, second));
        }
        check(zone, offset, before);
        return line.toString();
    }

    /** Fails where the days before the cutover do not move as they are expected to. */
    static void check(String zone, long offset, long before) {
        for (long day = -719100; day < -141427; day++) {
            if (!TURNS.contains(day) && day % 1009 != 0) {
                continue;
            }
            for (long second = day * DAY - offset - 1; second <= day * DAY - offset; second++) {
                long expected = days(Math.floorDiv(second + offset, DAY)) * DAY + before;
                if (move(zone, second) != expected) {
                    throw new IllegalStateException(zone + " moves " + second + " by " + move(zone, second) + ", not " + expected);
                }
            }
        }
    }

    public static void main(String[] args) {
        TreeSet<String> names = new TreeSet<>(Arrays.asList(TimeZone.getAvailableIDs()));
        names.addAll(ZoneId.getAvailableZoneIds());
        Map<String, List<String>> zones = new TreeMap<>();
        for (String zone : names) {
            zones.computeIfAbsent(line(zone), line -> new ArrayList<>()).add(zone);
        }
        zones.forEach((line, alike) -> System.out.println(line + " " + String.join(" ", alike)));
    }
}
