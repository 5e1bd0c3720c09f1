import static java.nio.charset.StandardCharsets.UTF_8;

import java.util.HexFormat;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * Another system in another language: says that a file of its own lies on S3, signed as docs/events.md describes.
 *
 * <p>java -cp "<jars of Kafka>/*" Outsider.java BOOTSTRAP SOURCE ID TIME BODY, with the secret in OUTSIDER_SECRET.
 */
public class Outsider {
    public static void main(String[] args) throws Exception {
        byte[] value = args[4].getBytes(UTF_8);
        SortedMap<String, String> headers = new TreeMap<>(Map.of(
                "ce_specversion", "1.0",
                "ce_type", "sluice.file.uploaded.v1",
                "ce_source", args[1],
                "ce_id", args[2],
                "ce_time", args[3],
                "content-type", "application/json"));
        headers.put("ce_sluicesignature", sign(System.getenv("OUTSIDER_SECRET"), headers, value));

        var record = new ProducerRecord<byte[], byte[]>("file.uploaded", value);
        headers.forEach((name, text) -> record.headers().add(name, text.getBytes(UTF_8)));
        var settings = Map.<String, Object>of("bootstrap.servers", args[0], "acks", "all");
        try (var producer = new KafkaProducer<>(settings, new ByteArraySerializer(), new ByteArraySerializer())) {
            producer.send(record).get();
        }
    }

    static String sign(String secret, SortedMap<String, String> headers, byte[] value) throws Exception {
        Mac mac = Mac.getInstance("HmacSHA256");
        mac.init(new SecretKeySpec(secret.getBytes(UTF_8), "HmacSHA256"));
        headers.forEach((name, text) -> mac.update((name + "=" + text + "\n").getBytes(UTF_8)));
        mac.update((byte) '\n');
        return "v1=" + HexFormat.of().formatHex(mac.doFinal(value));
    }
}
