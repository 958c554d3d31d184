<?php

namespace App\Models;

use Illuminate\Database\Eloquent\Model;

/** A message to the student. It is kept here; sending it by e-mail is a later phase. */
class Notice extends Model
{
    protected $fillable = ['enrolment_id', 'subject', 'body'];
}
