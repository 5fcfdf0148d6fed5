import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.KStream;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.processor.api.FixedKeyProcessor;
import org.apache.kafka.streams.processor.api.FixedKeyProcessorContext;
import org.apache.kafka.streams.processor.api.FixedKeyProcessorSupplier;
import org.apache.kafka.streams.processor.api.FixedKeyRecord;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.StoreBuilder;
import org.apache.kafka.streams.state.Stores;

/**
 * The reduced job in Kafka Streams: a store of seen ids, a count and an aggregate of its DSL, and absolute values upserted into PostgreSQL.
 *
 * State is exactly once (exactly_once_v2). Rows are written every second, before the commit; see PostgresTable.
 */
public final class ReducedJob {
    private static final ObjectMapper JSON = new ObjectMapper();

    @JsonIgnoreProperties(ignoreUnknown = true)
    record Answer(String item, Double score) {}

    @JsonIgnoreProperties(ignoreUnknown = true)
    record Event(@JsonProperty("event_id") String eventId, @JsonProperty("customer_id") String customerId, List<Answer> answers) {}

    record Sums(long n, long scoreSum, long scoreSqSum) {
        Sums plus(long hundredths) {
            return new Sums(n + 1, scoreSum + hundredths, scoreSqSum + hundredths * hundredths);
        }
    }

    private static <T> Serde<T> json(Class<T> type) {
        return Serdes.serdeFrom((topic, value) -> {
            try {
                return value == null ? null : JSON.writeValueAsBytes(value);
            } catch (IOException error) {
                throw new UncheckedIOException(error);
            }
        }, (topic, bytes) -> {
            try {
                return bytes == null ? null : JSON.readValue(bytes, type);
            } catch (IOException error) {
                throw new UncheckedIOException(error);
            }
        });
    }

    /** Lets through the first event of each id. */
    private static final class FirstOfId implements FixedKeyProcessor<String, Event, Event> {
        private static final String STORE = "seen";
        private static final byte[] SEEN = {};
        private FixedKeyProcessorContext<String, Event> context;
        private KeyValueStore<String, byte[]> seen;

        @Override
        public void init(FixedKeyProcessorContext<String, Event> context) {
            this.context = context;
            this.seen = context.getStateStore(STORE);
        }

        @Override
        public void process(FixedKeyRecord<String, Event> event) {
            if (seen.putIfAbsent(event.value().eventId(), SEEN) == null) {
                context.forward(event);
            }
        }
    }

    private static FixedKeyProcessorSupplier<String, Event, Event> firstOfId() {
        return new FixedKeyProcessorSupplier<>() {
            @Override
            public FixedKeyProcessor<String, Event, Event> get() {
                return new FirstOfId();
            }

            @Override
            public Set<StoreBuilder<?>> stores() {
                return Set.of(Stores.keyValueStoreBuilder(
                    Stores.persistentKeyValueStore(FirstOfId.STORE), Serdes.String(), Serdes.ByteArray()));
            }
        };
    }

    private static List<KeyValue<String, Long>> scores(Event event) {
        List<KeyValue<String, Long>> scores = new ArrayList<>();
        for (Answer answer : event.answers() == null ? List.<Answer>of() : event.answers()) {
            if (answer.score() != null) {
                scores.add(KeyValue.pair(answer.item(), Math.round(100 * answer.score())));
            }
        }
        return scores;
    }

    public static void main(String[] arguments) {
        Map<String, String> environment = System.getenv();
        URI database = URI.create(environment.get("DATABASE_URL"));
        String url = "jdbc:postgresql://%s:%d%s?user=%s&reWriteBatchedInserts=true".formatted(
            database.getHost(), database.getPort(), database.getPath(), database.getUserInfo());

        StreamsBuilder builder = new StreamsBuilder();
        KStream<String, Event> events = builder
            .stream(List.of(environment.get("TOPICS").split(",")), Consumed.with(Serdes.String(), json(Event.class)))
            .processValues(firstOfId());
        events.groupByKey(Grouped.with(Serdes.String(), json(Event.class)))
            .count(Materialized.with(Serdes.String(), Serdes.Long()))
            .toStream()
            .process(new PostgresTable<String, Long>(url, "customer_count", "customer_id", List.of("events"), count -> new long[] {count}));
        events.flatMap((customer, event) -> scores(event))
            .groupByKey(Grouped.with("scores", Serdes.String(), Serdes.Long()))
            .aggregate(() -> new Sums(0, 0, 0), (item, hundredths, sums) -> sums.plus(hundredths),
                Materialized.with(Serdes.String(), json(Sums.class)))
            .toStream()
            .process(new PostgresTable<String, Sums>(url, "experience_sum", "experience", List.of("n", "score_sum", "score_sq_sum"),
                sums -> new long[] {sums.n(), sums.scoreSum(), sums.scoreSqSum()}));

        Properties settings = new Properties();
        settings.put(StreamsConfig.APPLICATION_ID_CONFIG, environment.get("GROUP"));
        settings.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, environment.get("KAFKA_BOOTSTRAP"));
        settings.put(StreamsConfig.STATE_DIR_CONFIG, environment.get("STATE_DIR"));
        settings.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
        settings.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, 2);
        // PostgresTable commits every second, so these never pass; Kafka Streams wants the second one to be longer.
        settings.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, 300_000);
        settings.put(StreamsConfig.producerPrefix("transaction.timeout.ms"), 360_000);
        settings.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, 0);
        settings.put(StreamsConfig.consumerPrefix("auto.offset.reset"), "earliest");
        KafkaStreams streams = new KafkaStreams(builder.build(), settings);
        Runtime.getRuntime().addShutdownHook(new Thread(streams::close));
        streams.start();
    }
}
