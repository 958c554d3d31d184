<?php

return ['value' => '@MARK@'];
