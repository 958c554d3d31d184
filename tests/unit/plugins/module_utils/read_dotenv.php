<?php
// Reads a JSON list of base64 .env texts; prints, for each, what phpdotenv makes of it, base64 again.
require 'Dotenv/autoload.php';

$answers = [];
foreach (json_decode(stream_get_contents(STDIN)) as $text) {
    try {
        // Dotenv::parse() takes a string; reading a file also drops a byte order mark, so do that.
        $file = tempnam(sys_get_temp_dir(), 'env');
        file_put_contents($file, base64_decode($text));
        $repository = Dotenv\Repository\RepositoryBuilder::createWithNoAdapters()
            ->addAdapter(Dotenv\Repository\Adapter\ArrayAdapter::class)->make();
        $read = Dotenv\Dotenv::create($repository, dirname($file), basename($file))->load();
        $answers[] = (object) array_map(fn ($value) => $value === null ? null : base64_encode($value), $read);
    } catch (Dotenv\Exception\InvalidFileException $error) {
        $answers[] = false;
    } finally {
        unlink($file);
    }
}
echo json_encode($answers);
