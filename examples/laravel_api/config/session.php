<?php

// Stateless: no middleware starts a session, but Laravel's response factory asks for a driver.
return ['driver' => 'array'];
